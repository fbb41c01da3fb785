#include "sync/renumbering.h"

#include <gtest/gtest.h>

namespace mailmoor::sync {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime kStart{1'700'000'000s};

TEST(Renumbering, OnceAndTwice_AreFollowedAtOnce) {
  Renumberings changes = once_more({}, kStart);
  EXPECT_EQ((Renumberings{1, kStart}), changes);
  EXPECT_FALSE(not_before(changes, kStart));
  changes = once_more(changes, kStart + 1h);
  EXPECT_EQ(2U, changes.count);
  EXPECT_FALSE(not_before(changes, kStart + 1h));
}

TEST(Renumbering, AgainAndAgain_IsLookedAtOnALadder) {
  Renumberings changes = once_more(once_more({}, kStart), kStart);
  UnixTime now = kStart;
  for (const auto wait : {1h, 6h, 24h, 24h}) {
    changes = once_more(changes, now);
    ASSERT_EQ(now + wait, not_before(changes, now));
    EXPECT_TRUE(not_before(changes, now + wait - 1s));
    now += wait;
    EXPECT_FALSE(not_before(changes, now));
  }
}

TEST(Renumbering, CalmWeek_IsForgiven) {
  const Renumberings loop{5, kStart};
  EXPECT_EQ(6U, once_more(loop, kStart + kCalm - 1s).count);
  EXPECT_EQ(1U, once_more(loop, kStart + kCalm).count);
}

TEST(Renumbering, ClockThatWasSetBack_HoldsNothingUp) {
  EXPECT_FALSE(not_before({5, kStart}, kStart - 1s));
  EXPECT_EQ((Renumberings{1, kStart - 1h}), once_more({5, kStart}, kStart - 1h));
}

} // namespace
} // namespace mailmoor::sync
