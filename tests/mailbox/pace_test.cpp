#include "mailbox/pace.h"

#include <gtest/gtest.h>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using runtime::MonoTime;

constexpr MonoTime kStart{1h};

// Fetches whatever there is room for until `end`; how many that were.
std::uint64_t fetch_until(Pace& pace, MonoTime& now, MonoTime end, std::uint64_t at_once = 100) {
  std::uint64_t fetched = 0;
  while (now < end) {
    const std::uint64_t count = std::min(pace.room(now), at_once);
    pace.asked(count);
    for (std::uint64_t i = 0; i < count; ++i)
      static_cast<void>(pace.arrived(now));
    fetched += count;
    now = count == 0 ? pace.next_room(now) : now + 1us;
  }
  return fetched;
}

TEST(Pace, NeverThrottled_IsNoLimit) {
  Pace pace;
  EXPECT_EQ(pace.limit(), std::nullopt);
  EXPECT_EQ(pace.room(kStart), Pace::kUnlimited);
  EXPECT_EQ(pace.next_room(kStart), kStart);
  pace.asked(1'000'000);
  EXPECT_EQ(pace.room(kStart), Pace::kUnlimited);
}

TEST(Pace, Throttled_IsHalfOfWhatWasMeasured) {
  Pace pace;
  pace.throttled(kStart, 10.0);
  EXPECT_DOUBLE_EQ(*pace.limit(), 5.0);
  pace.throttled(kStart + 1h, 4.0);
  EXPECT_DOUBLE_EQ(*pace.limit(), 2.0) << "it came at 4 already";
  pace.throttled(kStart + 2h, 50.0);
  EXPECT_DOUBLE_EQ(*pace.limit(), 1.0) << "a burst of the moment says nothing against the limit";
  pace.throttled(kStart + 3h, std::nullopt);
  EXPECT_DOUBLE_EQ(*pace.limit(), 0.5);
}

TEST(Pace, ThrottledBeforeAnythingWasFetched_BeginsCautiously) {
  Pace pace;
  pace.throttled(kStart, std::nullopt);
  EXPECT_DOUBLE_EQ(*pace.limit(), 4.0);
}

TEST(Pace, ThrottledOverAndOver_StillFetches) {
  Pace pace;
  for (int i = 0; i < 100; ++i)
    pace.throttled(kStart, std::nullopt);
  EXPECT_DOUBLE_EQ(*pace.limit(), 0.1);
  EXPECT_EQ(pace.room(pace.next_room(kStart)), 1U);
}

TEST(Pace, Limit_IsKept) {
  for (const double limit : {0.1, 0.7, 3.0, 25.0}) {
    Pace pace(limit);
    MonoTime now = kStart;
    const std::uint64_t first = fetch_until(pace, now, kStart + 4min);
    const double most = limit * 240 + std::max(1.0, limit) + 1;
    EXPECT_LE(static_cast<double>(first), most) << limit;
    EXPECT_GE(static_cast<double>(first), limit * 240 - 1) << limit << ": and it is used";
  }
}

TEST(Pace, NextRoom_IsWhenThereIsRoom) {
  Pace pace;
  pace.throttled(kStart, 0.6);
  EXPECT_EQ(pace.room(kStart), 0U) << "nothing is saved up from before";
  const MonoTime due = pace.next_room(kStart);
  EXPECT_EQ(pace.room(due - 2us), 0U);
  EXPECT_EQ(pace.room(due), 1U);
}

TEST(Pace, Silence_SavesUpForASecondOnly) {
  Pace pace(20.0);
  EXPECT_EQ(pace.room(kStart + 24h), 20U);
  Pace slow(0.1);
  EXPECT_EQ(slow.room(kStart + 24h), 1U);
}

TEST(Pace, FiveCleanMinutes_AddATenth) {
  Pace pace;
  pace.throttled(kStart, 20.0);
  MonoTime now = kStart;
  static_cast<void>(fetch_until(pace, now, kStart + 4min + 59s));
  EXPECT_DOUBLE_EQ(*pace.limit(), 10.0);
  static_cast<void>(fetch_until(pace, now, kStart + 5min + 2s));
  EXPECT_DOUBLE_EQ(*pace.limit(), 11.0);
  static_cast<void>(fetch_until(pace, now, kStart + 10min + 2s));
  EXPECT_DOUBLE_EQ(*pace.limit(), 12.1);
}

TEST(Pace, ThrottledInBetween_TheFiveMinutesBeginAnew) {
  Pace pace(10.0);
  MonoTime now = kStart;
  static_cast<void>(fetch_until(pace, now, kStart + 4min));
  pace.throttled(now, 10.0);
  static_cast<void>(fetch_until(pace, now, kStart + 8min));
  EXPECT_DOUBLE_EQ(*pace.limit(), 5.0);
}

TEST(Pace, SilenceOfHours_IsNoProofOfAnything) {
  Pace pace(1.0);
  EXPECT_FALSE(pace.arrived(kStart));
  EXPECT_FALSE(pace.arrived(kStart + 8h));
  EXPECT_DOUBLE_EQ(*pace.limit(), 1.0);
}

TEST(Pace, LimitFarAboveAnyServer_IsNone) {
  Pace pace(199.0);
  MonoTime now = kStart;
  static_cast<void>(fetch_until(pace, now, kStart + 5min + 5s, 5));
  EXPECT_EQ(pace.limit(), std::nullopt);
  EXPECT_EQ(Pace(1e9).limit(), std::nullopt);
}

TEST(Pace, SoftWordsOneAfterTheOther_CutOnceAMinute) {
  Pace pace;
  EXPECT_TRUE(pace.slowed_down(kStart, 16.0));
  for (runtime::Duration after = 1s; after < 1min; after += 1s)
    EXPECT_FALSE(pace.slowed_down(kStart + after, 16.0));
  EXPECT_DOUBLE_EQ(*pace.limit(), 8.0);
  EXPECT_TRUE(pace.slowed_down(kStart + 1min, 8.0));
  EXPECT_DOUBLE_EQ(*pace.limit(), 4.0);
}

TEST(Pace, Remembered_GoesOnFromThere) {
  Pace pace(2.5);
  EXPECT_DOUBLE_EQ(*pace.limit(), 2.5);
  pace.throttled(kStart, std::nullopt);
  EXPECT_DOUBLE_EQ(*pace.limit(), 1.25);
}

} // namespace
} // namespace mailmoor::mailbox
