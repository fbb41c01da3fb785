#include "sync/planner.h"

#include "sync/sync_fixture.h"

namespace mailmoor::sync {
namespace {

using namespace std::chrono_literals;
using Action = FolderPlan::Action;

[[nodiscard]] FolderState without_uid_next(FolderState state) {
  state.uid_next.reset();
  return state;
}

TEST(PlanFolder, RecordAgainstServer_FollowsTheTable) {
  const FolderState then = state(14, 10, 9);
  struct Row {
    std::string_view title;
    FolderState recorded, now;
    Action action;
    std::uint32_t from; // 0: no listing
  };
  for (const Row& row : {
           Row{"unchanged", then, then, Action::kNothing, 0},
           Row{"new mail", then, state(14, 11, 10), Action::kLook, 10},
           Row{"new and deleted", then, state(14, 12, 9), Action::kLook, 10},
           Row{"only deleted", then, state(14, 10, 4), Action::kNothing, 0},
           Row{"all deleted", then, state(14, 10, 0), Action::kNothing, 0},
           Row{"a gap in UIDNEXT", then, state(14, 4000, 9), Action::kLook, 10},
           Row{"EXISTS before UIDNEXT", then, state(14, 10, 10), Action::kLook, 1},
           Row{"UIDNEXT went back", then, state(14, 9, 9), Action::kLook, 1},
           Row{"UIDVALIDITY changed", then, state(15, 10, 9), Action::kStartOver, 0},
           Row{"no UIDVALIDITY", then, {}, Action::kRefuse, 0},
           Row{"only flags changed", state(14, 10, 9, 5), state(14, 10, 9, 6), Action::kNothing, 0},
           Row{"no UIDNEXT at all", then, without_uid_next(then), Action::kLook, 1},
           Row{"HIGHESTMODSEQ alone, same", without_uid_next(state(14, 0, 9, 5)), without_uid_next(state(14, 0, 9, 5)),
               Action::kNothing, 0},
           Row{"HIGHESTMODSEQ alone, other", without_uid_next(state(14, 0, 9, 5)), without_uid_next(state(14, 0, 9, 6)),
               Action::kLook, 1},
       }) {
    const auto plan = plan_folder(recorded("1:9", row.recorded), row.now, at(kNow), {});
    EXPECT_EQ(plan.action, row.action) << row.title;
    EXPECT_EQ(plan.list_from ? plan.list_from->value() : 0, row.from) << row.title;
    EXPECT_FALSE(plan.why.empty()) << row.title;
  }
}

TEST(PlanFolder, NoRecord_StartsOver) {
  EXPECT_EQ(plan_folder({}, state(1, 1, 0), at(kNow), {}).action, Action::kStartOver);
}

TEST(PlanFolder, NoCompletePassYet_ListsInFull) {
  RecordedFolder folder = recorded("1:9", state(14, 10, 9));
  folder.state.reset();
  const auto plan = plan_folder(folder, state(14, 10, 9), at(kNow), {});
  EXPECT_EQ(plan.action, Action::kLook);
  EXPECT_TRUE(plan.lists_in_full());
}

TEST(PlanFolder, FullListing_IsDueOnceInItsTimeAndAfterAClockSetBack) {
  RecordedFolder folder = recorded("1:9", state(14, 10, 9));
  const auto listed_at = [&](UnixTime time) {
    folder.listed_in_full = time;
    return plan_folder(folder, state(14, 10, 9), at(kNow), {}).lists_in_full();
  };
  EXPECT_FALSE(listed_at(at(kNow)));
  EXPECT_FALSE(listed_at(at(kNow) - kFullListing + 1s));
  EXPECT_TRUE(listed_at(at(kNow) - kFullListing));
  EXPECT_TRUE(listed_at(at(kNow) + 1s));
}

TEST(PlanFolder, RetryDue_IsDoneThoughNothingChanged) {
  RecordedFolder folder = recorded("1:8", state(14, 10, 9));
  folder.retries = {{uid(9), 1, at(kNow), ""}};
  const auto plan = plan_folder(folder, state(14, 10, 9), at(kNow), {});
  EXPECT_EQ(plan.action, Action::kRetry);
  EXPECT_EQ(plan.due, uids("9"));
  EXPECT_EQ(plan_folder(folder, state(14, 10, 9), at(kNow - 1), {}).action, Action::kNothing);
  EXPECT_EQ(plan_folder(folder, state(14, 11, 10), at(kNow), {}).due, uids("9")) << "with a listing too";
}

TEST(RowsFrom, RowsBelowTheQuestion_AreIgnored) {
  EXPECT_EQ(rows_from(uid(10), rows("9")), rows("")) << "n:* returned the old last message";
  EXPECT_EQ(rows_from(uid(10), rows("5:12")), rows("10:12"));
  EXPECT_EQ(rows_from(uid(1), rows("1:3")), rows("1:3"));
}

TEST(IsShort, ExistsPromisesMore_IsSeenInFullAndPartialListings) {
  const RecordedFolder folder = recorded("1:9", state(14, 10, 9));
  const FolderPlan full{Action::kLook, uid(1), {}, {}, ""};
  EXPECT_FALSE(is_short(folder, full, uids("1:10"), 10));
  EXPECT_TRUE(is_short(folder, full, uids("1:9"), 10));
  const FolderPlan partial{Action::kLook, uid(10), {}, {}, ""};
  EXPECT_TRUE(is_short(folder, partial, {}, 10)) << "the new one is announced and not listed";
  EXPECT_FALSE(is_short(folder, partial, uids("10"), 10));
  EXPECT_FALSE(is_short(folder, partial, {}, 9)) << "it was deleted again";
}

TEST(AskAgainAfter, ShortListings_WaitLongerEachTimeThenGoOn) {
  EXPECT_EQ(ask_again_after(1), 2s);
  EXPECT_EQ(ask_again_after(2), 10s);
  EXPECT_EQ(ask_again_after(3), 60s);
  EXPECT_EQ(ask_again_after(4), std::nullopt);
}

TEST(WhatToFetch, KnownAndStruck_AreNotWanted) {
  RecordedFolder folder = recorded("1:4", state(14, 10, 9));
  folder.retries = {{uid(6), 1, at(kNow + 1), ""}, {uid(7), 1, at(kNow), ""}, {uid(9), 2, at(kNow), ""}};
  const FolderPlan plan{Action::kLook, uid(1), {}, uids("7,9"), ""};
  const auto work = what_to_fetch(folder, plan, uids("2:8"), /*complete=*/true);
  EXPECT_EQ(work.wanted, uids("5,8"));
  EXPECT_EQ(work.alone, uids("7")) << "9 is gone";
  EXPECT_EQ(work.gone, uids("9"));
  const auto cautious = what_to_fetch(folder, plan, uids("2:8"), /*complete=*/false);
  EXPECT_EQ(cautious.alone, uids("7,9"));
  EXPECT_TRUE(cautious.gone.empty());
  const FolderPlan partial{Action::kLook, uid(8), {}, uids("7,9"), ""};
  EXPECT_TRUE(what_to_fetch(folder, partial, uids("8"), true).gone.empty()) << "it was not asked about them";
}

TEST(FetchBatches, NewMailComesFirstThenBackfillNewestFirst) {
  const FetchLimits limits{2, 3500};
  EXPECT_EQ(fetch_batches(uids("1:5,11:15"), uid(10), limits),
            (std::vector<UidSet>{uids("11:12"), uids("13:14"), uids("15"), uids("4:5"), uids("2:3"), uids("1")}));
  EXPECT_EQ(fetch_batches(uids("1:3"), std::nullopt, limits), (std::vector<UidSet>{uids("2:3"), uids("1")}));
  EXPECT_TRUE(fetch_batches({}, uid(1), limits).empty());
}

TEST(FetchBatches, EverySubsetAndLimit_IsCoveredOnceInOrder) {
  for (unsigned mask = 0; mask < 64; ++mask)
    for (std::uint32_t highest = 0; highest <= 6; ++highest)
      for (std::uint64_t size = 1; size <= 3; ++size) {
        UidSet wanted;
        for (std::uint32_t i = 0; i < 6; ++i)
          if ((mask >> i & 1) != 0) wanted.insert(uid(i + 1));
        UidSet seen;
        bool backfill = highest == 0;
        for (const UidSet& batch : fetch_batches(wanted, Uid::from(highest), {size, 3500})) {
          ASSERT_FALSE(batch.empty());
          ASSERT_LE(batch.size(), size);
          ASSERT_TRUE(batch.intersect(seen).empty());
          const bool is_new = highest != 0 && batch.ranges().front().first > highest;
          ASSERT_TRUE(is_new || batch.max()->value() <= highest || highest == 0) << "a batch is one or the other";
          ASSERT_FALSE(is_new && backfill) << "new mail never waits for backfill";
          backfill = backfill || !is_new;
          seen.insert(batch);
        }
        ASSERT_EQ(seen, wanted);
      }
}

TEST(FetchBatches, UidSetText_StaysWithinItsLimit) {
  UidSet scattered;
  for (std::uint32_t i = 0; i < 5000; ++i)
    scattered.insert(uid(4'000'000'000U + i * 2 + i % 3));
  for (const std::size_t text : {std::size_t{11}, std::size_t{100}, std::size_t{3500}}) {
    UidSet seen;
    for (const UidSet& batch : fetch_batches(scattered, std::nullopt, {1'000'000, text})) {
      EXPECT_LE(batch.to_string().size(), text);
      seen.insert(batch);
    }
    EXPECT_EQ(seen, scattered);
  }
}

TEST(StateToRecord, ShortListing_NeverClaimsMoreThanWasSeen) {
  const FolderState now = state(14, 20, 12, 7);
  const FolderPlan plan{Action::kLook, uid(10), {}, {}, ""};
  EXPECT_EQ(state_to_record(plan, now, uids("10:19"), true), now);
  const FolderState some = state_to_record(plan, now, uids("10:12"), false);
  EXPECT_EQ(some.uid_next, uid(13));
  EXPECT_FALSE(some.highest_mod_seq);
  EXPECT_EQ(state_to_record(plan, now, {}, false).uid_next, uid(10));
  EXPECT_EQ(state_to_record(plan, now, uids("10:30"), false).uid_next, uid(20)) << "later mail is for the next pass";
  EXPECT_EQ(state_to_record(plan, now, uids("4294967295"), false).uid_next, std::nullopt);
}

} // namespace
} // namespace mailmoor::sync
