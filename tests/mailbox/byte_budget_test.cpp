#include "mailbox/byte_budget.h"

#include <gtest/gtest.h>
#include <limits>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
constexpr UnixTime kNoon{472'224h + 12h};

TEST(ByteBudget, WithoutLimit_GrantsAndCountsNothing) {
  ByteBudget budget;
  budget.received(kNoon, 1'000'000);
  EXPECT_FALSE(budget.has_limit());
  EXPECT_EQ(budget.used(kNoon), 0U);
  EXPECT_EQ(budget.room(kNoon, FetchKind::kBackfill), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(budget.remembered(kNoon).empty());
}

TEST(ByteBudget, ATenth_IsKeptForNewMail) {
  ByteBudget budget(1000);
  EXPECT_EQ(budget.room(kNoon, FetchKind::kBackfill), 900U);
  EXPECT_EQ(budget.room(kNoon, FetchKind::kNewMail), 1000U);
  budget.received(kNoon, 900);
  EXPECT_EQ(budget.room(kNoon, FetchKind::kBackfill), 0U);
  EXPECT_EQ(budget.room(kNoon, FetchKind::kNewMail), 100U);
  budget.received(kNoon + 1min, 500); // what was on its way
  EXPECT_EQ(budget.room(kNoon + 1min, FetchKind::kNewMail), 0U);
  EXPECT_EQ(budget.used(kNoon + 1min), 1400U);
}

TEST(ByteBudget, Octets_CountUntilTheyAreADayOld) {
  ByteBudget budget(1000);
  budget.received(kNoon + 59min, 1000); // the last minute of its hour
  EXPECT_EQ(budget.room(kNoon + 59min + 24h, FetchKind::kNewMail), 0U) << "24 hours later to the minute";
  EXPECT_EQ(budget.room(kNoon + 25h - 1s, FetchKind::kNewMail), 0U);
  EXPECT_EQ(budget.room(kNoon + 25h, FetchKind::kNewMail), 1000U);
}

// Whatever the pattern: no window of 24 hours has more than the limit.
TEST(ByteBudget, AnyDay_StaysWithinTheLimit) {
  ByteBudget budget(1000);
  std::vector<std::uint64_t> taken; // each minute
  for (int minute = 0; minute < 4 * 24 * 60; ++minute) {
    const UnixTime now = kNoon + std::chrono::minutes(minute);
    const std::uint64_t take =
        std::min(budget.room(now, FetchKind::kNewMail), static_cast<std::uint64_t>(1 + minute % 7));
    budget.received(now, take);
    taken.push_back(take);
  }
  std::uint64_t all = 0;
  std::uint64_t window = 0;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    all += taken[i];
    window += taken[i];
    if (i > 24 * 60) window -= taken[i - 24 * 60 - 1];
    ASSERT_LE(window, 1000U) << i;
  }
  EXPECT_GE(all, 3800U) << "and the days that are there are used";
}

TEST(ByteBudget, RoomAt_IsTheFirstMomentWithRoom) {
  ByteBudget budget(1000);
  EXPECT_EQ(budget.room_at(kNoon, FetchKind::kBackfill), kNoon);
  budget.received(kNoon, 300);
  budget.received(kNoon + 3h, 650);
  const UnixTime at = budget.room_at(kNoon + 4h, FetchKind::kBackfill);
  EXPECT_EQ(at, kNoon + 25h);
  EXPECT_EQ(budget.room(at - 1s, FetchKind::kBackfill), 0U);
  EXPECT_EQ(budget.room(at, FetchKind::kBackfill), 250U);
  EXPECT_EQ(budget.room_at(kNoon + 4h, FetchKind::kNewMail), kNoon + 4h);
}

TEST(ByteBudget, Remembered_GoesOnAfterARestart) {
  ByteBudget before(1000);
  before.received(kNoon, 400);
  before.received(kNoon + 2h, 100);
  const auto hours = before.remembered(kNoon + 2h);
  ByteBudget after(1000, hours);
  EXPECT_EQ(after.used(kNoon + 3h), 500U);
  EXPECT_EQ(after.used(kNoon + 25h), 100U);
  EXPECT_EQ(ByteBudget(1000, hours).remembered(kNoon + 60h).size(), 0U) << "what is old is not kept";
}

TEST(ByteBudget, ClockThatIsSetBack_DoesNotHoldThingsUpForEver) {
  ByteBudget budget(1000);
  budget.received(kNoon + 24h * 365, 1000);
  EXPECT_EQ(budget.room(kNoon, FetchKind::kNewMail), 1000U);
  budget.received(kNoon, 10);
  EXPECT_EQ(budget.used(kNoon), 10U);
}

TEST(ByteBudget, HugeNumbers_DoNotWrap) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  ByteBudget budget(kMax, {{kNoon.time_since_epoch() / 1h, kMax}});
  budget.received(kNoon, kMax);
  EXPECT_EQ(budget.used(kNoon), kMax);
  EXPECT_EQ(budget.room(kNoon, FetchKind::kNewMail), 0U);
}

} // namespace
} // namespace mailmoor::mailbox
