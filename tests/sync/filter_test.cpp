#include "sync/filter.h"

#include "sync/sync_fixture.h"

namespace mailmoor::sync {
namespace {

using namespace std::chrono_literals;
using Action = FolderPlan::Action;

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kMidnight = kNow / kDay * kDay;

[[nodiscard]] Summary summary(std::uint32_t number, std::int64_t seconds, std::uint64_t size = 1) {
  return {uid(number), at(seconds), size};
}
[[nodiscard]] LargeMessage large(std::uint32_t number, std::uint64_t size) {
  return {uid(number), size};
}

TEST(Filter, Earliest_IsTheLaterOfBothAndMovesAtMidnight) {
  EXPECT_EQ(Filter().earliest(at(kNow)), std::nullopt);
  EXPECT_EQ((Filter{at(5), {}, {}}).earliest(at(kNow)), at(5));
  const Filter age{{}, 48h, {}};
  EXPECT_EQ(age.earliest(at(kMidnight)), at(kMidnight - 2 * kDay));
  EXPECT_EQ(age.earliest(at(kMidnight + kDay - 1)), at(kMidnight - 2 * kDay));
  EXPECT_EQ(age.earliest(at(kMidnight + kDay)), at(kMidnight - kDay));
  EXPECT_EQ((Filter{at(kNow), 48h, {}}).earliest(at(kNow)), at(kNow));
}

TEST(Judge, Bounds_AreInside) {
  const Filter filter{at(100), {}, 1000};
  const LeftOut out = judge(filter, at(kNow),
                            {summary(7, 100, 1001), summary(1, 99), summary(2, 100, 1000), summary(3, 99, 5000),
                             summary(5, 100, 2000), summary(5, 100, 2000)});
  EXPECT_EQ(out, (LeftOut{uids("1,3"), at(100), {large(5, 2000), large(7, 1001)}}));
}

TEST(Judge, WhatTheServerDoesNotTell_IsInside) {
  const Filter filter{at(100), {}, 1000};
  EXPECT_TRUE(judge(filter, at(kNow), {{uid(1), {}, {}}, {uid(2), {}, 5}, {uid(3), at(100), {}}}).empty());
  EXPECT_FALSE(judge(filter, at(kNow), {{uid(1), {}, 5000}}).empty());
}

struct Change {
  std::string_view title;
  Filter now;
  std::string_view back;
};

TEST(Readmitted, ChangedFilters_FollowTheTable) {
  const LeftOut left{uids("1:4"), at(kMidnight - 30 * kDay), {large(7, 1000), large(9, 5000)}};
  for (const Change& change : {
           Change{"unchanged", {{}, 30 * 24h, 999}, ""},
           Change{"narrower", {{}, 20 * 24h, 10}, ""},
           Change{"older ones, too", {{}, 31 * 24h, 999}, "1:4"},
           Change{"a date that is earlier", {at(kMidnight - 31 * kDay), {}, 999}, "1:4"},
           Change{"a date that is the same", {at(kMidnight - 30 * kDay), {}, 999}, ""},
           Change{"larger ones", {{}, 30 * 24h, 1000}, "7"},
           Change{"any size", {{}, 30 * 24h, {}}, "7,9"},
           Change{"larger ones, and narrower in time", {{}, 1 * 24h, 1000}, "7"},
           Change{"nothing is left out", {}, "1:4,7,9"},
       })
    EXPECT_EQ(readmitted(left, change.now, at(kNow)), uids(change.back)) << change.title;
}

TEST(Readmitted, WindowThatMoves_BringsNothingBack) {
  const Filter filter{{}, 30 * 24h, {}};
  LeftOut left = judge(filter, at(kNow), {summary(1, 5)});
  for (int days = 0; days < 100; ++days) {
    EXPECT_TRUE(readmitted(left, filter, at(kNow + days * kDay)).empty()) << days;
    left.add(judge(filter, at(kNow + days * kDay), {summary(static_cast<std::uint32_t>(days) + 2, 5)}));
  }
  EXPECT_EQ(left.too_old.size(), 101U);
}

TEST(Readmitted, ClockThatWasWrong_IsMadeGood) {
  const Filter filter{{}, 30 * 24h, {}};
  const LeftOut left = judge(filter, at(kNow + 3650 * kDay), {summary(1, kNow)});
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(readmitted(left, filter, at(kNow)), uids("1"));
}

// A pass over a folder of which `there` is listed in full; returns its facts' record.
struct Pass {
  RecordedFolder recorded;
  Filter filter;
  UidSet there;
  UidSet fetched = {};

  void run(const FolderState& now, const std::vector<Summary>& summaries, UnixTime time = at(kNow)) {
    readmit(recorded, filter, time).apply_to(recorded);
    FolderPass pass(recorded, now, time);
    fetched = UidSet();
    while (pass.next_look())
      ASSERT_FALSE(
          pass.looked(rows(there), static_cast<std::uint32_t>(there.size()), static_cast<std::uint32_t>(there.size())));
    std::vector<Summary> asked;
    for (const Summary& one : summaries)
      if (pass.open().contains(one.uid)) asked.push_back(one);
    if (filter.is_set()) pass.leave_out(judge(filter, time, asked)).apply_to(recorded);
    EXPECT_EQ(pass.behind(), pass.open().size());
    while (auto batch = pass.next_batch()) {
      fetched.insert(*batch);
      FetchReport report{*batch, *batch, *batch, {}, FetchEnd::kTagged, {}};
      pass.received(report, time).apply_to(recorded);
    }
    EXPECT_EQ(pass.behind(), 0U);
    pass.finish(time).apply_to(recorded);
  }
};

[[nodiscard]] Pass new_folder(Filter filter, std::string_view there) {
  Pass pass{{}, filter, uids(there)};
  pass.recorded.validity = UidValidity::from(14);
  return pass;
}

TEST(FilteredPass, OutsideIsNeitherKnownNorBehindAndAskedForOnce) {
  const std::vector<Summary> summaries = {summary(1, 5), summary(2, 100), summary(3, 100, 5000), summary(4, 100)};
  Pass it = new_folder({at(100), {}, 1000}, "1:4");
  it.run(state(14, 5, 4), summaries);
  EXPECT_EQ(it.fetched, uids("2,4"));
  EXPECT_EQ(it.recorded.known, uids("2,4"));
  EXPECT_EQ(it.recorded.left_out, (LeftOut{uids("1"), at(100), {large(3, 5000)}}));
  EXPECT_EQ(it.recorded.state, state(14, 5, 4));
  EXPECT_EQ(plan_folder(it.recorded, state(14, 5, 4), at(kNow), {}).action, Action::kNothing);
  // In a listing of everything they are not open.
  it.recorded.listed_in_full.reset();
  FolderPass pass(it.recorded, state(14, 5, 4), at(kNow));
  ASSERT_FALSE(pass.looked(rows("1:4"), 4, 4));
  EXPECT_TRUE(pass.open().empty());
}

TEST(FilteredPass, Widened_BringsWhatIsInsideNow) {
  const std::vector<Summary> summaries = {summary(1, 5), summary(2, 50), summary(3, 100, 5000), summary(4, 100)};
  Pass it = new_folder({at(100), {}, 1000}, "1:4");
  it.run(state(14, 5, 4), summaries);
  it.filter = {at(50), {}, 1000};
  it.run(state(14, 5, 4), summaries);
  EXPECT_EQ(it.fetched, uids("2"));
  EXPECT_EQ(it.recorded.left_out, (LeftOut{uids("1"), at(50), {large(3, 5000)}}));
  it.filter = {at(50), {}, 5000};
  it.run(state(14, 5, 4), summaries);
  EXPECT_EQ(it.fetched, uids("3"));
  it.filter = {};
  it.run(state(14, 5, 4), summaries);
  EXPECT_EQ(it.fetched, uids("1"));
  EXPECT_TRUE(it.recorded.left_out.empty());
  EXPECT_EQ(it.recorded.known, uids("1:4"));
}

TEST(FilteredPass, Narrowed_ForgetsNothingThatIsKnown) {
  const std::vector<Summary> summaries = {summary(1, 5), summary(2, 50), summary(3, 5), summary(4, 100)};
  Pass it = new_folder({}, "1:2");
  it.run(state(14, 3, 2), summaries);
  it.filter = {at(100), {}, {}};
  it.there = uids("1:4");
  it.run(state(14, 5, 4), summaries);
  EXPECT_EQ(it.fetched, uids("4"));
  EXPECT_EQ(it.recorded.known, uids("1:2,4"));
  EXPECT_EQ(it.recorded.left_out.too_old, uids("3"));
}

TEST(FilteredPass, CutOffAfterWidening_IsTakenUpAgain) {
  const std::vector<Summary> summaries = {summary(1, 5), summary(2, 5)};
  Pass it = new_folder({at(100), {}, {}}, "1:2");
  it.run(state(14, 3, 2), summaries);
  ASSERT_EQ(it.recorded.left_out.too_old, uids("1:2"));
  it.filter = {};
  readmit(it.recorded, it.filter, at(kNow)).apply_to(it.recorded); // and then the process dies
  EXPECT_TRUE(it.recorded.left_out.empty());
  EXPECT_EQ(plan_folder(it.recorded, state(14, 3, 2), at(kNow), {}).action, Action::kLook);
  it.run(state(14, 3, 2), summaries);
  EXPECT_EQ(it.fetched, uids("1:2"));
}

TEST(FilteredPass, StruckMessageThatIsOutsideNow_IsNotRetried) {
  RecordedFolder before = recorded("1", state(14, 3, 2));
  before.retries = {{uid(2), 1, at(kNow), "withheld"}};
  FolderPass pass(before, state(14, 3, 2), at(kNow));
  ASSERT_EQ(pass.plan().action, Action::kRetry);
  const FolderFacts facts = pass.leave_out({{}, {}, {large(2, 5000)}});
  EXPECT_EQ(facts.retries_removed, uids("2"));
  EXPECT_FALSE(pass.next_batch());
  EXPECT_EQ(pass.finish(at(kNow)).state, state(14, 3, 2));
}

TEST(FilteredPass, LeftOutMessagesThatAreGone_AreForgotten) {
  RecordedFolder before = recorded("1", state(14, 5, 4));
  before.left_out = {uids("2:3"), at(100), {large(4, 5000)}};
  before.listed_in_full.reset();
  FolderPass pass(before, state(14, 5, 2), at(kNow));
  ASSERT_FALSE(pass.looked(rows("1,3"), 2, 2));
  EXPECT_TRUE(pass.open().empty());
  EXPECT_EQ(pass.finish(at(kNow)).left_out, (LeftOut{uids("3"), at(100), {}}));
}

TEST(FilteredPass, ShortListing_ForgetsNothing) {
  RecordedFolder before = recorded("1", state(14, 5, 4));
  before.left_out = {uids("2:3"), at(100), {large(4, 5000)}};
  before.listed_in_full.reset();
  FolderPass pass(before, state(14, 5, 4), at(kNow));
  while (pass.next_look())
    static_cast<void>(pass.looked(rows("1"), 4, 4));
  EXPECT_EQ(pass.finish(at(kNow)).left_out, std::nullopt);
}

// VANISHED counts messages that are left out and those that were struck, too: else nothing it says could be believed.
TEST(FilteredPass, VanishedNamesLeftOutAndStruckOnes_TheCountIsRight) {
  for (const Wants wants : {Wants{true, true}, Wants{true, false}}) {
    RecordedFolder before = recorded("1:3,5", state(14, 9, 8, 10));
    before.covers = wants;
    before.left_out = {uids("4"), at(100), {large(6, 5000), large(7, 5000)}};
    before.retries = {{uid(8), 1, at(kNow), "withheld"}};
    FolderPass pass(before, state(14, 9, 4, 11), at(kNow), wants, Told{{}, uids("2,4,6,8")});
    ASSERT_FALSE(pass.next_look()) << "the count bears VANISHED out";
    EXPECT_EQ(pass.gone(), wants.deletions ? uids("2") : UidSet());
    EXPECT_FALSE(pass.next_batch()) << "8 is gone: not asked for again";
    if (wants.deletions) static_cast<void>(pass.removed(pass.gone()));
    const FolderFacts facts = pass.finish(at(kNow));
    EXPECT_EQ(facts.left_out, (LeftOut{{}, {}, {large(7, 5000)}}));
    EXPECT_TRUE(facts.retries_removed.contains(uid(8)));
    EXPECT_TRUE(facts.state);
  }
}

TEST(FilteredPass, VanishedThatTheCountDoesNotBear_ForgetsNothing) {
  RecordedFolder before = recorded("1:3", state(14, 5, 4, 10));
  before.covers = {true, false};
  before.left_out = {uids("4"), at(100), {}};
  FolderPass pass(before, state(14, 5, 4, 11), at(kNow), {true, false}, Told{{}, uids("4")});
  ASSERT_FALSE(pass.next_look());
  EXPECT_EQ(pass.finish(at(kNow)).left_out, std::nullopt);
}

TEST(FilteredPass, FlagsOfWhatIsLeftOut_AreNoWork) {
  RecordedFolder before = recorded("1:3", state(14, 5, 4, 10));
  before.covers = {true, false};
  before.left_out = {uids("4"), at(100), {}};
  FolderPass pass(before, state(14, 5, 4, 11), at(kNow), {true, false});
  ASSERT_TRUE(pass.next_look());
  ASSERT_FALSE(pass.looked(rows("4", "S"), 4, 4));
  EXPECT_FALSE(pass.has_flags());
  EXPECT_TRUE(pass.finish(at(kNow)).state);
}

TEST(FilteredPass, NewUidValidity_ForgetsWhatWasLeftOut) {
  RecordedFolder before = recorded("1:3", state(14, 5, 4));
  before.left_out = {uids("4"), at(100), {}};
  FolderPass pass(before, state(15, 5, 4), at(kNow));
  pass.start_over({}, at(kNow)).apply_to(before);
  EXPECT_TRUE(before.left_out.empty());
  ASSERT_FALSE(pass.looked(rows("1:4"), 4, 4));
  EXPECT_EQ(pass.open(), uids("1:4"));
}

} // namespace
} // namespace mailmoor::sync
