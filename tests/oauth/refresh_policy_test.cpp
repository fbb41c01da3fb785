#include "oauth/refresh_policy.h"

#include <gtest/gtest.h>

#include <random>

namespace mailmoor::oauth {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr UnixTime kObtained{seconds(1'800'000'000)};

TokenTimes living(seconds life) {
  return {.obtained_at = kObtained, .expires_at = kObtained + life, .refresh_at = {}};
}

// A seeded stream: the same thousands of cases in each run.
class RefreshPolicy : public ::testing::Test {
 protected:
  double random01() { return real_(engine_); }
  seconds random_seconds(long from, long to) { return seconds(std::uniform_int_distribution<long>(from, to)(engine_)); }

 private:
  std::mt19937_64 engine_{20261123};
  std::uniform_real_distribution<double> real_{0.0, 1.0};
};

TEST_F(RefreshPolicy, TokenTimes_CountFromTheRequest) {
  TokenGrant grant;
  grant.expires_in = seconds(3599);
  EXPECT_EQ(token_times(grant, kObtained).expires_at, kObtained + seconds(3599));
  EXPECT_FALSE(token_times(grant, kObtained).refresh_at);
  grant.refresh_in = seconds(1800);
  EXPECT_EQ(token_times(grant, kObtained).refresh_at, kObtained + seconds(1800));
}

TEST_F(RefreshPolicy, AnyLife_RefreshesBetweenHalfAndThreeQuarters) {
  for (int i = 0; i < 20'000; ++i) {
    const seconds life = random_seconds(2, 86'400);
    const seconds at = next_refresh(living(life), random01()) - kObtained;
    EXPECT_GE(at, std::min(life / 2, seconds(hours(18)))) << life.count();
    EXPECT_LE(at.count() * 4, life.count() * 3) << life.count();
    EXPECT_LT(at, life);
    EXPECT_TRUE(life <= minutes(10) || at <= life - minutes(5)) << life.count();
  }
}

TEST_F(RefreshPolicy, AnyRefreshIn_IsKeptWithinTheLimits) {
  for (int i = 0; i < 20'000; ++i) {
    const seconds life = random_seconds(2, 3 * 86'400);
    TokenTimes times = living(life);
    const seconds refresh_in = random_seconds(1, life.count() - 1);
    times.refresh_at = kObtained + refresh_in;
    const seconds at = next_refresh(times, random01()) - kObtained;
    const seconds latest = std::min(life > minutes(10) ? life - minutes(5) : life - life / 4, seconds(hours(24)));
    EXPECT_LE(at, latest) << life.count() << ' ' << refresh_in.count();
    EXPECT_LE(at, refresh_in + life / 10);
    EXPECT_GE(at, std::min(refresh_in, latest - latest / 10 - seconds(1)));
    EXPECT_LT(at, life);
  }
}

TEST_F(RefreshPolicy, ALongLife_IsStillRefreshedDaily) {
  for (int i = 0; i < 1'000; ++i) {
    const seconds at = next_refresh(living(hours(24 * 30)), random01()) - kObtained;
    EXPECT_GE(at, hours(18));
    EXPECT_LE(at, hours(24));
  }
}

TEST_F(RefreshPolicy, ManyAccounts_AreSpreadOverTheWindow) {
  int early = 0;
  for (int i = 0; i < 1'000; ++i)
    early += next_refresh(living(hours(1)), random01()) < kObtained + minutes(37) + seconds(30) ? 1 : 0;
  EXPECT_NEAR(early, 500, 60); // the window is 30 to 45 minutes
}

TEST_F(RefreshPolicy, TwentySeconds_LeaveTimeToRefresh) {
  for (int i = 0; i < 1'000; ++i) {
    const seconds at = next_refresh(living(seconds(20)), random01()) - kObtained;
    EXPECT_GE(at, seconds(10));
    EXPECT_LE(at, seconds(15));
  }
}

TEST_F(RefreshPolicy, TimesOutOfOrder_AreDueNow) {
  EXPECT_EQ(next_refresh(living(seconds(0)), 0.5), kObtained);
  EXPECT_EQ(next_refresh(living(seconds(-5)), 0.5), kObtained);
  EXPECT_EQ(reconnect_before(living(seconds(-5))), kObtained);
  TokenTimes times = living(hours(1));
  times.refresh_at = kObtained - hours(1);
  EXPECT_GE(next_refresh(times, 0.0), kObtained);
}

TEST_F(RefreshPolicy, Reconnect_ComesAfterTheLatestRefreshAndBeforeExpiry) {
  for (int i = 0; i < 20'000; ++i) {
    const seconds life = random_seconds(2, 200'000);
    TokenTimes times = living(life);
    if (i % 2 == 0) times.refresh_at = kObtained + random_seconds(1, life.count() - 1);
    EXPECT_LE(next_refresh(times, random01()), reconnect_before(times)) << life.count();
    EXPECT_LT(reconnect_before(times), times.expires_at) << life.count();
  }
  EXPECT_EQ(reconnect_before(living(hours(1))), kObtained + minutes(55));
  EXPECT_EQ(reconnect_before(living(seconds(20))), kObtained + seconds(18));
}

TEST_F(RefreshPolicy, Retry_DoublesToAQuarterHour) {
  const std::pair<int, int> rows[] = {{1, 2},   {2, 4},   {3, 8},    {4, 16},   {5, 32},
                                      {8, 256}, {9, 512}, {10, 900}, {11, 900}, {1'000'000, 900}};
  for (const auto& [failures, longest] : rows) {
    for (int i = 0; i < 200; ++i) {
      const milliseconds delay = refresh_retry_delay(failures, random01());
      EXPECT_GE(delay, milliseconds(seconds(longest)) / 2) << failures;
      EXPECT_LE(delay, milliseconds(seconds(longest))) << failures;
    }
  }
}

TEST_F(RefreshPolicy, ImposedWait_IsLaw) {
  for (int i = 0; i < 5'000; ++i) {
    const milliseconds imposed = random_seconds(0, 86'400) + milliseconds(i % 1000);
    const int failures = 1 + i % 12;
    const milliseconds delay = refresh_retry_delay(failures, random01(), imposed);
    EXPECT_GE(delay, std::min(imposed, milliseconds(hours(24))));
    EXPECT_LE(delay, std::max(imposed + imposed / 10, milliseconds(minutes(15))));
  }
}

TEST_F(RefreshPolicy, ImposedWaitAboveADay_CountsAsADay) {
  EXPECT_EQ(refresh_retry_delay(1, 0.0, hours(24 * 365)), hours(24));
  EXPECT_LE(refresh_retry_delay(1, 0.999, hours(24 * 365)), hours(27));
}

TEST_F(RefreshPolicy, SlowProbe_GoesFromOneHourToADay) {
  const std::pair<int, int> rows[] = {{1, 1}, {2, 2}, {3, 4}, {4, 8}, {5, 16}, {6, 24}, {7, 24}, {1'000'000, 24}};
  for (const auto& [failures, least] : rows) {
    for (int i = 0; i < 200; ++i) {
      const milliseconds delay = slow_probe_delay(failures, random01());
      EXPECT_GE(delay, hours(least)) << failures;
      EXPECT_LE(delay, std::min<milliseconds>(milliseconds(hours(least)) * 5 / 4, hours(24))) << failures;
    }
  }
}

} // namespace
} // namespace mailmoor::oauth
