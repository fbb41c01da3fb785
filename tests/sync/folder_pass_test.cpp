#include "sync/folder_pass.h"

#include "sync/sync_fixture.h"

#include <limits>

namespace mailmoor::sync {
namespace {

using namespace std::chrono_literals;
using Action = FolderPlan::Action;

constexpr std::size_t kNoCrash = std::numeric_limits<std::size_t>::max();
constexpr std::uint32_t kUids = 4;

// EXISTS stays as it is during the listing.
std::optional<std::chrono::seconds> looked(FolderPass& pass, const UidSet& listed, std::uint32_t exists) {
  return pass.looked(rows(listed), exists, exists);
}

[[nodiscard]] UidSet subset(unsigned mask) {
  UidSet out;
  for (std::uint32_t i = 0; i < kUids; ++i)
    if ((mask >> i & 1) != 0) out.insert(uid(i + 1));
  return out;
}

// A folder on a server, its Maildir, and what is recorded of it.
struct World {
  FolderState now;
  UidSet there;    // what the server lists
  UidSet withheld; // of these, what it does not hand out
  UidSet maildir;
  RecordedFolder recorded;
  std::size_t facts_left = kNoCrash; // the process dies instead of recording the next
  int bodies = 0;

  // False: the process died.
  bool record(const FolderFacts& facts) {
    if (facts_left == 0) return false;
    --facts_left;
    facts.apply_to(recorded);
    // Rule 3: a recorded state means that every UID there is accounted for.
    const UidSet unaccounted = there.minus(recorded.known).minus(uids_of(recorded.retries));
    EXPECT_TRUE(!facts.state || unaccounted.empty()) << unaccounted.to_string();
    EXPECT_TRUE(recorded.known.intersect(uids_of(recorded.retries)).empty());
    return true;
  }

  // One pass to its end; false: the process died.
  bool run_pass(UnixTime time) {
    FolderPass pass(recorded, now, time, {}, {}, {2, 3500});
    if (pass.plan().action == Action::kStartOver && !record(pass.start_over(maildir, time))) return false;
    if (pass.plan().list_from) {
      EXPECT_FALSE(looked(pass, there, static_cast<std::uint32_t>(there.size())));
    }
    if (pass.plan().action == Action::kNothing) return true;
    while (auto batch = pass.next_batch()) {
      EXPECT_TRUE(batch->intersect(recorded.known).empty()) << "nothing known is fetched again";
      FetchReport report{*batch, batch->intersect(there).minus(withheld), {}, {}, FetchEnd::kTagged, "withheld"};
      report.delivered = report.arrived;
      maildir.insert(report.delivered);
      bodies += static_cast<int>(report.arrived.size());
      if (!record(pass.received(report, time))) return false;
    }
    EXPECT_EQ(pass.behind(), 0U);
    return record(pass.finish(time));
  }
};

[[nodiscard]] World world(unsigned there, unsigned known, unsigned withheld) {
  World world;
  world.there = subset(there);
  world.withheld = subset(withheld);
  world.now = state(14, kUids + 1, static_cast<std::uint32_t>(world.there.size()));
  world.maildir = subset(known);
  world.recorded.validity = world.now.uid_validity;
  world.recorded.known = subset(known);
  return world;
}

TEST(FolderPass, EverySmallFolder_EndsAccountedForAndStaysQuiet) {
  for (unsigned there = 0; there < 16; ++there)
    for (unsigned known = 0; known < 16; ++known)
      for (unsigned withheld = 0; withheld < 16; ++withheld) {
        SCOPED_TRACE(testing::Message() << there << ' ' << known << ' ' << withheld);
        World it = world(there, known, withheld);
        ASSERT_TRUE(it.run_pass(at(kNow)));
        const UidSet missing = subset(there & ~known);
        ASSERT_EQ(it.maildir, subset(known | (there & ~withheld)));
        ASSERT_EQ(it.recorded.known, it.maildir);
        ASSERT_EQ(uids_of(it.recorded.retries), missing.intersect(it.withheld));
        ASSERT_EQ(it.recorded.state, it.now);

        // Again at once: nothing is asked. After ten minutes: only the withheld ones, which now come.
        it.bodies = 0;
        ASSERT_EQ(FolderPass(it.recorded, it.now, at(kNow)).plan().action, Action::kNothing);
        it.withheld = UidSet();
        ASSERT_TRUE(it.run_pass(at(kNow) + 10min));
        ASSERT_EQ(it.bodies, static_cast<int>((missing.intersect(subset(withheld))).size()));
        ASSERT_EQ(it.maildir, subset(known | there));
        ASSERT_TRUE(it.recorded.retries.empty());
      }
}

TEST(FolderPass, KilledBeforeEachRecord_ReachesTheSameEnd) {
  for (const bool scans : {false, true}) // whether the next run reads the Maildir first
    for (unsigned there = 0; there < 16; ++there)
      for (unsigned withheld = 0; withheld < 16; withheld += 5)
        for (std::size_t crash = 0; crash < 8; ++crash) {
          SCOPED_TRACE(testing::Message() << there << ' ' << withheld << " record " << crash);
          World it = world(there, 2, withheld);
          it.facts_left = crash;
          const bool done = it.run_pass(at(kNow));
          it.facts_left = kNoCrash;
          if (scans) it.recorded.known.insert(it.maildir);
          ASSERT_TRUE(it.run_pass(at(kNow)));
          ASSERT_EQ(it.maildir, subset(2U | (there & ~withheld)));
          ASSERT_EQ(it.recorded.known, it.maildir);
          ASSERT_EQ(it.recorded.state, it.now);
          const auto wanted = static_cast<int>(subset(there & ~withheld & ~2U).size());
          ASSERT_TRUE(!scans || done || it.bodies == wanted) << "nothing is downloaded twice";
        }
}

TEST(FolderPass, NoRecordOrAnotherUidValidity_TakesUpWhatTheMaildirHas) {
  for (const std::uint32_t before : {0U, 13U}) {
    World it = world(0b1111, 0b0011, 0);
    it.recorded = before == 0 ? RecordedFolder() : recorded("1:1000", state(before, 1001, 1000));
    it.recorded.retries = {{uid(5000), 3, at(kNow), "of the old UIDVALIDITY"}};
    ASSERT_TRUE(it.run_pass(at(kNow)));
    EXPECT_EQ(it.recorded.validity, it.now.uid_validity);
    EXPECT_EQ(it.recorded.known, uids("1:4"));
    EXPECT_TRUE(it.recorded.retries.empty());
    EXPECT_EQ(it.bodies, 2);
  }
}

TEST(FolderPass, RetriesComeAfterNewMailAndBeforeBackfill) {
  RecordedFolder folder = recorded("5:6", state(14, 7, 6));
  folder.state.reset();
  folder.retries = {{uid(3), 1, at(kNow), ""}};
  FolderPass pass(folder, state(14, 9, 8), at(kNow));
  ASSERT_FALSE(looked(pass, uids("1:8"), 8));
  EXPECT_EQ(pass.behind(), 6U);
  EXPECT_EQ(pass.next_batch(), uids("7:8"));
  EXPECT_EQ(pass.next_batch(), uids("3"));
  EXPECT_EQ(pass.next_batch(), uids("1:2,4"));
  EXPECT_EQ(pass.next_batch(), std::nullopt);
}

TEST(FolderPass, LinkedMessages_AreDeliveredAndChangeNothingForTheOthers) {
  RecordedFolder folder = recorded("5:6", state(14, 7, 6));
  folder.state.reset();
  folder.retries = {{uid(3), 1, at(kNow), ""}, {uid(4), 1, at(kNow), ""}};
  FolderPass pass(folder, state(14, 11, 10), at(kNow));
  ASSERT_FALSE(looked(pass, uids("1:10"), 10));
  const FolderFacts facts = pass.linked(uids("1,3,10"), rows("1:10", "S"));
  facts.apply_to(folder);
  EXPECT_EQ(folder.known, uids("1,3,5:6,10"));
  EXPECT_EQ(facts.flags_set, FlagMap()) << "nobody wants flags";
  EXPECT_EQ(uids_of(folder.retries), uids("4"));
  EXPECT_EQ(pass.behind(), 5U);
  EXPECT_EQ(pass.next_batch(), uids("7:9")) << "still new mail, though 10 is known";
  EXPECT_EQ(pass.next_batch(), uids("4"));
  EXPECT_EQ(pass.next_batch(), uids("2"));
  EXPECT_EQ(pass.next_batch(), std::nullopt);
  for (const char* part : {"7:9", "4", "2"})
    pass.received({uids(part), uids(part), uids(part), {}, FetchEnd::kTagged, ""}, at(kNow)).apply_to(folder);
  pass.finish(at(kNow)).apply_to(folder);
  EXPECT_EQ(folder.known, uids("1:10"));
  EXPECT_TRUE(folder.state) << "everything is accounted for";
}

TEST(FolderPass, LinkedMessages_BringTheirFlags) {
  RecordedFolder folder;
  FolderPass pass(folder, state(14, 4, 3), at(kNow), {.flags = true});
  pass.start_over({}, at(kNow)).apply_to(folder);
  ASSERT_FALSE(looked(pass, uids("1:3"), 3));
  const FolderFacts facts = pass.linked(uids("2"), rows("1:3", "F"));
  EXPECT_EQ(facts.flags_set, rows("2", "F"));
}

TEST(FolderPass, SmallerBatches_KeepTheOrder) {
  RecordedFolder folder = recorded("5:6", state(14, 7, 6));
  folder.state.reset();
  FolderPass pass(folder, state(14, 9, 8), at(kNow));
  ASSERT_FALSE(looked(pass, uids("1:8"), 8));
  EXPECT_EQ(pass.next_batch(0), std::nullopt);
  EXPECT_EQ(pass.what_is_next(), FolderPass::NextBatch::kNewMail);
  EXPECT_EQ(pass.next_batch(1), uids("7")) << "new mail, oldest first";
  EXPECT_EQ(pass.what_is_next(), FolderPass::NextBatch::kNewMail);
  EXPECT_EQ(pass.next_batch(1), uids("8"));
  EXPECT_EQ(pass.what_is_next(), FolderPass::NextBatch::kBackfill);
  EXPECT_EQ(pass.next_batch(3), uids("2:4")) << "the backfill, newest first";
  EXPECT_EQ(pass.next_batch(3), uids("1"));
  EXPECT_EQ(pass.what_is_next(), FolderPass::NextBatch::kNone);
  for (const char* part : {"7", "8", "2:4", "1"})
    pass.received({uids(part), uids(part), uids(part), {}, FetchEnd::kTagged, ""}, at(kNow)).apply_to(folder);
  EXPECT_EQ(pass.behind(), 0U);
  EXPECT_EQ(folder.known, uids("1:8"));
}

TEST(FolderPass, ShortListing_IsAskedForAgainThenTakenAsItIs) {
  const RecordedFolder folder = recorded("1:9", state(14, 10, 9));
  FolderPass pass(folder, state(14, 12, 11), at(kNow));
  EXPECT_EQ(looked(pass, uids("9"), 11), 2s) << "the old last message is no row";
  EXPECT_EQ(looked(pass, uids("10"), 11), 10s);
  EXPECT_EQ(looked(pass, {}, 11), 60s);
  EXPECT_TRUE(pass.next_look());
  EXPECT_EQ(looked(pass, {}, 11), std::nullopt);
  EXPECT_EQ(pass.next_batch(), uids("10")) << "seen once is seen";
  static_cast<void>(pass.received({uids("10"), uids("10"), uids("10"), {}, FetchEnd::kTagged, ""}, at(kNow)));
  const FolderFacts facts = pass.finish(at(kNow));
  ASSERT_TRUE(facts.state);
  EXPECT_EQ(facts.state->uid_next, uid(11)) << "so that 11 is looked for in the next pass";
}

TEST(FolderPass, LateMessageAppears_IsAskedForNoLonger) {
  FolderPass pass(recorded("1:9", state(14, 10, 9)), state(14, 11, 10), at(kNow));
  EXPECT_EQ(looked(pass, {}, 10), 2s);
  EXPECT_EQ(looked(pass, uids("10"), 10), std::nullopt);
  EXPECT_EQ(pass.next_batch(), uids("10"));
}

TEST(FolderPass, ConnectionLost_BlamesOneMessageAndRecordsNoState) {
  RecordedFolder folder = recorded("", state(14, 1, 0));
  FolderPass pass(folder, state(14, 9, 8), at(kNow), {}, {}, {4, 3500});
  ASSERT_FALSE(looked(pass, uids("1:8"), 8));
  const UidSet first = *pass.next_batch();
  const UidSet second = *pass.next_batch();
  const auto blamed = pass.received({first, uids("5"), uids("5"), {}, FetchEnd::kLost, "cut"}, at(kNow));
  EXPECT_EQ(blamed.known_added, uids("5"));
  EXPECT_EQ(uids_of(blamed.retries_set), uids("6"));
  EXPECT_TRUE(pass.received({second, {}, {}, {}, FetchEnd::kLost, "cut"}, at(kNow)).empty());
  EXPECT_FALSE(pass.finish(at(kNow)).state);
}

TEST(FolderPass, MessageThatKillsTheSessionEachTime_StopsTheOthersThreeTimesAtMost) {
  World it = world(0b1111, 0, 0);
  const Uid killer = uid(3);
  int sessions = 0;
  for (bool done = false; !done && sessions < 20; ++sessions) {
    FolderPass pass(it.recorded, it.now, at(kNow + sessions), {}, {}, {2, 3500});
    if (pass.plan().list_from) {
      ASSERT_FALSE(looked(pass, it.there, 4));
    }
    bool alive = true;
    while (auto batch = alive ? pass.next_batch() : std::nullopt) {
      FetchReport report{*batch, {}, {}, {}, FetchEnd::kTagged, ""};
      batch->for_each([&](Uid each) {
        alive = alive && each != killer;
        if (alive) report.arrived.insert(each);
      });
      report.delivered = report.arrived;
      if (!alive) report.end = FetchEnd::kLost;
      it.record(pass.received(report, at(kNow + sessions)));
    }
    if (alive) done = it.record(pass.finish(at(kNow + sessions)));
  }
  EXPECT_EQ(sessions, 4);
  EXPECT_EQ(it.recorded.known, uids("1:2,4"));
  EXPECT_EQ(uids_of(it.recorded.retries), uids("3"));
}

TEST(FolderPass, FullDisk_LeavesTheFolderChanged) {
  FolderPass pass(recorded("", state(14, 1, 0)), state(14, 3, 2), at(kNow));
  ASSERT_FALSE(looked(pass, uids("1:2"), 2));
  const UidSet batch = *pass.next_batch();
  const auto facts = pass.received({batch, batch, uids("1"), {}, FetchEnd::kTagged, ""}, at(kNow));
  EXPECT_EQ(facts.known_added, uids("1"));
  EXPECT_TRUE(facts.retries_set.empty()) << "it is not the message's fault";
  EXPECT_EQ(pass.behind(), 1U);
  EXPECT_FALSE(pass.finish(at(kNow)).state);
}

TEST(FolderPass, StruckMessageThatIsGone_IsNoPoison) {
  const RecordedFolder before = recorded("1", state(14, 2, 1));
  FolderPass pass(before, state(14, 5, 4), at(kNow));
  ASSERT_FALSE(looked(pass, uids("2:4"), 4));
  RecordedFolder after = before;
  while (auto batch = pass.next_batch()) {
    FetchReport report{*batch, batch->intersect(uids("4")), batch->intersect(uids("4")), {}, FetchEnd::kTagged, "none"};
    pass.received(report, at(kNow)).apply_to(after);
  }
  ASSERT_EQ(pass.doubted(), uids("2:3"));
  const FolderFacts facts = pass.seen_again(uids("3"));
  EXPECT_EQ(facts.retries_removed, uids("2"));
  facts.apply_to(after);
  EXPECT_TRUE(pass.doubted().empty());
  const FolderFacts end = pass.finish(at(kNow));
  EXPECT_EQ(end.state, state(14, 5, 4));
  EXPECT_EQ(uids_of(after.retries), uids("3"));
}

TEST(FolderPass, StruckByALostConnection_IsNotDoubted) {
  RecordedFolder before = recorded("1", state(14, 2, 1));
  FolderPass pass(before, state(14, 3, 2), at(kNow));
  ASSERT_FALSE(looked(pass, uids("2"), 2));
  const auto batch = pass.next_batch();
  EXPECT_FALSE(pass.received({*batch, {}, {}, {}, FetchEnd::kLost, "cut"}, at(kNow)).retries_set.empty());
  EXPECT_TRUE(pass.doubted().empty());
}

TEST(FolderPass, RetryRecordOfAVanishedMessage_IsRemovedByAFullListing) {
  RecordedFolder folder = recorded("1:2", state(14, 4, 3));
  folder.state.reset();
  folder.retries = {{uid(3), 5, at(kNow), ""}};
  FolderPass pass(folder, state(14, 4, 2), at(kNow));
  ASSERT_FALSE(looked(pass, uids("1:2"), 2));
  EXPECT_EQ(pass.next_batch(), std::nullopt);
  const FolderFacts facts = pass.finish(at(kNow));
  EXPECT_EQ(facts.retries_removed, uids("3"));
  EXPECT_TRUE(facts.state);
  EXPECT_EQ(facts.listed_in_full, at(kNow));
}

TEST(FolderFacts, AppliedTwice_AreAppliedOnce) {
  FolderFacts facts;
  facts.start_over = UidValidity::from(15);
  facts.known_added = uids("1:3");
  facts.retries_set = {{uid(9), 1, at(1), "a"}, {uid(4), 2, at(2), "b"}};
  facts.retries_removed = uids("9");
  facts.state = state(15, 10, 4);
  facts.listed_in_full = at(kNow);
  RecordedFolder folder = recorded("100", state(14, 101, 1));
  facts.apply_to(folder);
  const auto check = [&folder] {
    EXPECT_EQ(folder.validity, UidValidity::from(15));
    EXPECT_EQ(folder.known, uids("1:3"));
    EXPECT_EQ(folder.retries, (RetryRecords{{uid(4), 2, at(2), "b"}}));
    EXPECT_EQ(folder.state, state(15, 10, 4));
    EXPECT_EQ(folder.listed_in_full, at(kNow));
  };
  check();
  facts.apply_to(folder);
  check();
  EXPECT_FALSE(facts.empty());
  EXPECT_TRUE(FolderFacts().empty());
}

} // namespace
} // namespace mailmoor::sync
