// What a pass makes of flags that changed and of messages that are gone.
#include "sync/sync_fixture.h"

#include <tuple>
#include <utility>

namespace mailmoor::sync {
namespace {

using namespace std::chrono_literals;
using Action = FolderPlan::Action;

constexpr Wants kFlags{true, false};
constexpr Wants kDeletions{false, true};
constexpr Wants kBoth{true, true};

// Its last pass looked for all that is wanted now.
[[nodiscard]] RecordedFolder covered(std::string_view known, const FolderState& state, Wants wants) {
  RecordedFolder folder = recorded(known, state);
  folder.covers = wants;
  return folder;
}

struct Row {
  std::string_view title;
  FolderState recorded, now;
  Wants wants;
  bool told; // by EXAMINE with QRESYNC
  Action action;
  std::uint32_t from;  // 0: no listing
  std::uint64_t since; // 0: no question for changes
};

TEST(PlanFlagsAndDeletions, RecordAgainstServer_FollowsTheTable) {
  const FolderState then = state(14, 10, 9, 5);
  const FolderState plain = state(14, 10, 9);
  for (const Row& row : {
           Row{"unchanged", then, then, kBoth, false, Action::kNothing, 0, 0},
           Row{"flags changed", then, state(14, 10, 9, 6), kFlags, false, Action::kLook, 0, 5},
           Row{"flags changed, not wanted", then, state(14, 10, 9, 6), {}, false, Action::kNothing, 0, 0},
           Row{"flags and new mail", then, state(14, 11, 10, 6), kFlags, false, Action::kLook, 10, 5},
           Row{"HIGHESTMODSEQ went back", then, state(14, 10, 9, 4), kFlags, false, Action::kLook, 1, 0},
           Row{"HIGHESTMODSEQ is new", plain, then, kFlags, false, Action::kLook, 1, 0},
           Row{"NOMODSEQ", then, plain, kFlags, false, Action::kLook, 1, 0},
           Row{"no CONDSTORE", plain, plain, kFlags, false, Action::kLook, 1, 0},
           Row{"no CONDSTORE, flags not wanted", plain, plain, kDeletions, false, Action::kNothing, 0, 0},
           Row{"fewer messages", plain, state(14, 10, 8), kDeletions, false, Action::kLook, 1, 0},
           Row{"fewer messages, not wanted", then, state(14, 10, 8, 6), kFlags, false, Action::kLook, 0, 5},
           Row{"VANISHED tells", then, state(14, 10, 8, 6), kDeletions, true, Action::kLook, 0, 5},
           Row{"VANISHED tells, and new mail", then, state(14, 12, 9, 6), kBoth, true, Action::kLook, 10, 5},
           Row{"told that nothing changed", then, then, kBoth, true, Action::kNothing, 0, 0},
       }) {
    const auto plan = plan_folder(covered("1:9", row.recorded, row.wants), row.now, at(kNow), row.wants, row.told);
    EXPECT_EQ(plan.action, row.action) << row.title;
    EXPECT_EQ(plan.list_from ? plan.list_from->value() : 0, row.from) << row.title;
    EXPECT_EQ(plan.changed_since ? plan.changed_since->value() : 0, row.since) << row.title;
    EXPECT_FALSE(plan.why.empty()) << row.title;
  }
}

TEST(PlanFlagsAndDeletions, WhatThePassesBeforeDidNotLookFor_IsListedInFullOnce) {
  const FolderState then = state(14, 10, 9, 5);
  EXPECT_TRUE(plan_folder(covered("1:9", then, {}), then, at(kNow), kFlags).lists_in_full());
  EXPECT_TRUE(plan_folder(covered("1:9", then, kFlags), then, at(kNow), kBoth).lists_in_full());
  EXPECT_EQ(plan_folder(covered("1:9", then, kBoth), then, at(kNow), kFlags).action, Action::kNothing);
}

TEST(PlanFlagsAndDeletions, HeldOrConfirmed_IsListedInFullAtEachPass) {
  const FolderState then = state(14, 10, 9, 5);
  RecordedFolder folder = covered("1:9", then, kDeletions);
  folder.held = uids("3");
  EXPECT_TRUE(plan_folder(folder, then, at(kNow), kDeletions).lists_in_full());
  EXPECT_FALSE(told_since(folder, at(kNow), kDeletions));
  std::swap(folder.held, folder.confirmed);
  EXPECT_TRUE(plan_folder(folder, then, at(kNow), kDeletions).lists_in_full());
  EXPECT_FALSE(plan_folder(folder, then, at(kNow), {}).list_from) << "deletions are kept now";
}

TEST(PlanFlagsAndDeletions, LargeFolderWithoutCondstore_SweepsTheNewestAndAllEverySixHours) {
  const FolderState then = state(14, 5001, 5000);
  RecordedFolder folder = covered("1:5000", then, kFlags);
  folder.listed_in_full = at(kNow);
  EXPECT_EQ(plan_folder(folder, then, at(kNow), kFlags).list_from, uid(4001));
  EXPECT_EQ(plan_folder(folder, state(14, 5003, 5002), at(kNow), kFlags).list_from, uid(4001)) << "new mail too";
  EXPECT_EQ(plan_folder(folder, then, at(kNow) + kFullSweep - 1s, kFlags).list_from, uid(4001));
  EXPECT_TRUE(plan_folder(folder, then, at(kNow) + kFullSweep, kFlags).lists_in_full());
  const FolderState largest_small = state(14, 2001, kSweptEachPass);
  EXPECT_TRUE(plan_folder(covered("1:2000", largest_small, kFlags), largest_small, at(kNow), kFlags).lists_in_full());
}

TEST(ToldSince, OnlyWhereItSparesAQuestion_IsItAsked) {
  const FolderState then = state(14, 10, 9, 5);
  EXPECT_EQ(told_since(covered("1:9", then, kBoth), at(kNow), kBoth), ModSeq::from(5));
  EXPECT_FALSE(told_since(covered("1:9", then, kBoth), at(kNow), {}));
  EXPECT_FALSE(told_since(covered("1:9", then, {}), at(kNow), kBoth)) << "everything is listed anyway";
  EXPECT_FALSE(told_since(covered("1:9", then, kBoth), at(kNow) + 24h, kBoth));
  EXPECT_FALSE(told_since(covered("1:9", state(14, 10, 9), kBoth), at(kNow), kBoth));
  EXPECT_FALSE(told_since({}, at(kNow), kBoth));
}

TEST(NeedsWord, MoreThanTwentyAndMoreThanATenth_AreHeld) {
  EXPECT_FALSE(needs_word(20, 20)) << "a small folder may be emptied";
  EXPECT_TRUE(needs_word(21, 21));
  EXPECT_TRUE(needs_word(21, 209));
  EXPECT_FALSE(needs_word(21, 210));
  EXPECT_FALSE(needs_word(100, 1000));
  EXPECT_TRUE(needs_word(101, 1000));
}

TEST(FlagsToApply, OnlyWhatDiffersOrHasNoBase_IsMerged) {
  FlagMap base = rows("1:3", "S");
  base.set(uid(3), FlagLetters::parse("F"));
  FlagMap expected = rows("3:4", "S");
  EXPECT_EQ(flags_to_apply(rows("1:4", "S"), base), expected);
}

// --- passes ----------------------------------------------------------------------------------------------------------

TEST(FlagPass, ChangesSince_BringFlagsAndNewMailInOneAnswer) {
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kFlags), state(14, 11, 10, 7), at(kNow), kFlags);
  const auto look = pass.next_look();
  ASSERT_TRUE(look);
  EXPECT_EQ(look->from, uid(1));
  EXPECT_EQ(look->since, ModSeq::from(5));
  EXPECT_FALSE(pass.looked(rows("4,10", "S"), 10, 10));
  EXPECT_FALSE(pass.next_look()) << "the new message has changed, too";
  EXPECT_EQ(pass.next_batch(), uids("10"));
  const auto arrived =
      pass.received({uids("10"), uids("10"), uids("10"), rows("10", "S"), FetchEnd::kTagged, ""}, at(kNow));
  EXPECT_EQ(arrived.flags_set, rows("10", "S")) << "the base of a new message is what it came with";
  ASSERT_TRUE(pass.has_flags());
  EXPECT_EQ(pass.differing_flags(rows("1:9")), rows("4", "S"));
  EXPECT_FALSE(pass.finish(at(kNow)).state) << "the flags are not in the names yet";
  EXPECT_EQ(pass.reflagged(uids("4")).flags_set, rows("4", "S"));
  const auto facts = pass.finish(at(kNow));
  ASSERT_TRUE(facts.state);
  EXPECT_EQ(facts.state->highest_mod_seq, ModSeq::from(7));
  EXPECT_EQ(facts.covers, kFlags);
}

TEST(FlagPass, NewMailThatTheChangesDoNotShow_IsListed) {
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kFlags), state(14, 11, 10, 7), at(kNow), kFlags);
  EXPECT_FALSE(pass.looked(rows("4", "S"), 10, 10));
  const auto look = pass.next_look();
  ASSERT_TRUE(look);
  EXPECT_EQ(look->from, uid(10));
  EXPECT_FALSE(look->since);
  EXPECT_FALSE(pass.looked(rows("10"), 10, 10));
  EXPECT_EQ(pass.next_batch(), uids("10"));
  EXPECT_EQ(pass.differing_flags({}), rows("4", "S"));
}

TEST(FlagPass, NewMailHiddenByAnExpungeThatTheCountDoesNotShow_IsListed) {
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kFlags), state(14, 11, 9, 7), at(kNow), kFlags);
  EXPECT_FALSE(pass.looked(rows("4", "S"), 9, 9));
  ASSERT_TRUE(pass.next_look());
  EXPECT_EQ(pass.next_look()->from, uid(10));
}

TEST(FlagPass, FailedRenames_AreOpenAndKeepTheModSeqBack) {
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kFlags), state(14, 10, 9, 7), at(kNow), kFlags);
  static_cast<void>(pass.looked(rows("4:5", "S"), 9, 9));
  static_cast<void>(pass.differing_flags({}));
  static_cast<void>(pass.reflagged(uids("4")));
  EXPECT_FALSE(pass.finish(at(kNow)).state);
}

TEST(FlagPass, EqualFlags_AreNoWork) {
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kFlags), state(14, 10, 9, 7), at(kNow), kFlags);
  static_cast<void>(pass.looked(rows("4:5", "S"), 9, 9));
  EXPECT_TRUE(pass.differing_flags(rows("1:9", "S")).empty());
  EXPECT_TRUE(pass.finish(at(kNow)).state);
}

TEST(FlagPass, FlagsOfMessagesThatAreNotHere_AreLeftAlone) {
  RecordedFolder folder = covered("1:8", state(14, 10, 9, 5), kFlags);
  folder.retries = {{uid(9), 1, at(kNow + 60), "withheld"}};
  FolderPass pass(folder, state(14, 10, 9, 7), at(kNow), kFlags);
  static_cast<void>(pass.looked(rows("9", "S"), 9, 9));
  EXPECT_FALSE(pass.has_flags());
}

TEST(GonePass, ToldByVanished_NeedsNoListing) {
  const Told told{rows("2", "S"), uids("3,70")};
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kBoth), state(14, 10, 8, 7), at(kNow), kBoth, told);
  EXPECT_FALSE(pass.next_look());
  EXPECT_TRUE(pass.knows_gone());
  EXPECT_EQ(pass.gone(), uids("3")) << "70 was never here";
  EXPECT_EQ(pass.differing_flags({}), rows("2", "S"));
}

TEST(GonePass, VanishedThatTheCountDoesNotBear_IsNotBelieved) {
  // A server that names every UID below the first one left, or messages that are there.
  const Told told{{}, uids("1:9")};
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kDeletions), state(14, 10, 8, 7), at(kNow), kDeletions, told);
  EXPECT_TRUE(pass.gone().empty());
  const auto look = pass.next_look();
  ASSERT_TRUE(look);
  EXPECT_EQ(look->from, uid(1)) << "everything is listed instead";
  EXPECT_FALSE(pass.looked(rows("1:2,4:9"), 8, 8));
  EXPECT_EQ(pass.gone(), uids("3"));
}

TEST(GonePass, ExpungedAndNewInOneStep_IsSeenByTheCount) {
  FolderPass pass(covered("1:9", state(14, 10, 9), kDeletions), state(14, 11, 9), at(kNow), kDeletions);
  EXPECT_FALSE(pass.looked(rows("10"), 9, 9));
  const auto look = pass.next_look();
  ASSERT_TRUE(look);
  EXPECT_EQ(look->from, uid(1));
  EXPECT_FALSE(pass.looked(rows("2:10"), 9, 9));
  EXPECT_EQ(pass.gone(), uids("1"));
  EXPECT_EQ(pass.next_batch(), uids("10"));
}

TEST(GonePass, ListingThatDisagreesWithExists_MakesNothingGone) {
  for (const auto& [listed, before, after] : {std::tuple{"2:9", 8U, 7U}, std::tuple{"2:9", 7U, 7U}}) {
    FolderPass pass(covered("1:9", state(14, 10, 9), kDeletions), state(14, 10, before), at(kNow), kDeletions);
    EXPECT_FALSE(pass.looked(rows(listed), before, after));
    EXPECT_FALSE(pass.knows_gone()) << before << ' ' << after;
    EXPECT_TRUE(pass.gone().empty());
  }
  FolderPass pass(covered("1:9", state(14, 10, 9), kDeletions), state(14, 10, 8), at(kNow), kDeletions);
  for (int asked = 0; asked < 3; ++asked)
    EXPECT_TRUE(pass.looked(rows("2:5"), 8, 8)) << "too short: once more";
  EXPECT_FALSE(pass.looked(rows("2:5"), 8, 8));
  EXPECT_FALSE(pass.knows_gone());
}

TEST(GonePass, AnotherUidValidity_MakesNothingGone) {
  FolderPass pass(covered("1:9", state(13, 10, 9), kDeletions), state(14, 10, 2), at(kNow), kDeletions);
  ASSERT_EQ(pass.plan().action, Action::kStartOver);
  static_cast<void>(pass.start_over(uids("5:9"), at(kNow)));
  EXPECT_FALSE(pass.looked(rows("5:6"), 2, 2));
  EXPECT_FALSE(pass.knows_gone());
  EXPECT_TRUE(pass.gone().empty());
  const auto facts = pass.finish(at(kNow));
  ASSERT_TRUE(facts.state);
  EXPECT_FALSE(facts.covers.deletions) << "the next pass, of the same UIDVALIDITY, looks";
}

TEST(GonePass, NotWanted_IsNotLookedFor) {
  FolderPass pass(covered("1:9", state(14, 10, 9, 5), kFlags), state(14, 10, 2, 7), at(kNow), kFlags);
  EXPECT_FALSE(pass.looked({}, 2, 2));
  EXPECT_FALSE(pass.next_look());
  EXPECT_FALSE(pass.knows_gone());
}

TEST(GonePass, RemovedAndHeld_AreRecordedAndOnlyThenThePassIsComplete) {
  FolderPass pass(covered("1:9", state(14, 10, 9), kDeletions), state(14, 10, 5), at(kNow), kDeletions);
  EXPECT_FALSE(pass.looked(rows("1:5"), 5, 5));
  EXPECT_EQ(pass.gone(), uids("6:9"));
  EXPECT_FALSE(pass.finish(at(kNow)).state);
  EXPECT_EQ(pass.removed(uids("6")).known_removed, uids("6"));
  EXPECT_EQ(pass.hold(uids("7:9")).held, uids("7:9"));
  EXPECT_TRUE(pass.finish(at(kNow)).state);
}

TEST(GonePass, HeldMessagesThatCameBack_AreHeldNoLonger) {
  RecordedFolder folder = covered("1:9", state(14, 10, 5), kDeletions);
  folder.held = uids("6:9");
  FolderPass pass(folder, state(14, 10, 9), at(kNow), kDeletions);
  EXPECT_FALSE(pass.looked(rows("1:9"), 9, 9));
  ASSERT_TRUE(pass.knows_gone());
  const auto facts = pass.hold({});
  ASSERT_TRUE(facts.held);
  EXPECT_TRUE(facts.held->empty());
}

TEST(GonePass, Confirmation_EndsWithTheMessagesThatItWasFor) {
  RecordedFolder folder = covered("1:9", state(14, 10, 5), kDeletions);
  folder.confirmed = uids("5:9");
  FolderPass pass(folder, state(14, 10, 5), at(kNow), kDeletions);
  EXPECT_FALSE(pass.looked(rows("1:5"), 5, 5));
  EXPECT_EQ(pass.confirmed(), uids("5:9"));
  const auto facts = pass.removed(uids("6:9"));
  ASSERT_TRUE(facts.confirmed);
  EXPECT_TRUE(facts.confirmed->empty()) << "5 came back: for its next deletion another word is needed";
}

TEST(FlagFacts, AppliedTwice_AreAppliedOnce) {
  FolderFacts facts;
  facts.known_removed = uids("2:3");
  facts.held = uids("5");
  facts.confirmed = uids("6");
  facts.state = state(14, 10, 4);
  facts.covers = kBoth;
  RecordedFolder folder = recorded("1:9", state(14, 10, 9));
  for (int i = 0; i < 2; ++i) {
    facts.apply_to(folder);
    EXPECT_EQ(folder.known, uids("1,4:9"));
    EXPECT_EQ(folder.held, uids("5"));
    EXPECT_EQ(folder.confirmed, uids("6"));
    EXPECT_EQ(folder.covers, kBoth);
  }
  EXPECT_FALSE(facts.empty());
}

} // namespace
} // namespace mailmoor::sync
