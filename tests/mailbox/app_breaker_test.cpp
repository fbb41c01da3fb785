#include "mailbox/app_breaker.h"

#include <gtest/gtest.h>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using State = AppBreaker::State;

const runtime::WallTime kNow{std::chrono::seconds(1'700'000'000)};
const Error kExpired(ErrorKind::kApp, "app_misconfigured", "the client secret has expired", "make a new one");
const Error kClock(ErrorKind::kApp, "clock_wrong", "the clock is off", "set it");

constexpr bool kAlone = true;
constexpr bool kWithOthers = false;

AppBreaker shut() {
  AppBreaker breaker;
  breaker.refused("app/alice", kExpired, kWithOthers, kNow, 0);
  breaker.refused("app/bob", kExpired, kWithOthers, kNow, 0);
  return breaker;
}

TEST(AppBreaker, OneSignInOfMany_OnlyRaisesADoubt) {
  AppBreaker breaker;
  breaker.refused("app/alice", kExpired, kWithOthers, kNow, 0);
  EXPECT_EQ(State::kDoubted, breaker.state());
  breaker.refused("app/alice", kExpired, kWithOthers, kNow + 2h, 0);
  EXPECT_EQ(State::kDoubted, breaker.state());
}

TEST(AppBreaker, TheSecondSignIn_ShutsIt) {
  const AppBreaker breaker = shut();
  EXPECT_EQ(State::kShut, breaker.state());
  ASSERT_TRUE(breaker.fault());
  EXPECT_EQ("app_misconfigured", breaker.fault()->code);
  EXPECT_EQ(kNow + 1h, breaker.probe_at());
}

TEST(AppBreaker, TheOnlySignIn_ShutsItAtOnce) {
  AppBreaker breaker;
  breaker.refused("app/alice", kExpired, kAlone, kNow, 0);
  EXPECT_TRUE(breaker.is_shut());
}

TEST(AppBreaker, AnotherSignInThatIsServed_ClearsTheDoubt) {
  AppBreaker breaker;
  breaker.refused("app/alice", kExpired, kWithOthers, kNow, 0);
  EXPECT_FALSE(breaker.served(kNow));
  EXPECT_EQ(State::kServing, breaker.state());
  EXPECT_FALSE(breaker.fault());
  breaker.refused("app/bob", kExpired, kWithOthers, kNow, 0);
  EXPECT_EQ(State::kDoubted, breaker.state());
}

TEST(AppBreaker, Probes_AreSpacedFromAnHourToADay) {
  AppBreaker breaker = shut();
  std::chrono::milliseconds longest{0};
  runtime::WallTime at = breaker.probe_at();
  for (int i = 0; i < 10; ++i) {
    breaker.refused("app/carol", kExpired, kWithOthers, at, 0.5);
    EXPECT_GE(breaker.probe_at() - at, longest);
    longest = breaker.probe_at() - at;
    at = breaker.probe_at();
  }
  EXPECT_EQ(24h, longest);
}

TEST(AppBreaker, WrongClock_IsProbedEveryTenMinutes) {
  AppBreaker breaker;
  breaker.refused("app/alice", kClock, kAlone, kNow, 0);
  EXPECT_EQ(kNow + 10min, breaker.probe_at());
}

TEST(AppBreaker, ProbeThatIsServed_OpensIt) {
  AppBreaker breaker = shut();
  EXPECT_TRUE(breaker.served(kNow + 1h));
  EXPECT_EQ(State::kServing, breaker.state());
  EXPECT_EQ(kNow + 1h, breaker.since());
}

TEST(AppBreaker, ProbeWithoutAnAnswer_LeavesItShutAndTriesAgainSoon) {
  AppBreaker breaker = shut();
  const runtime::WallTime at = breaker.probe_at();
  breaker.unanswered(at, 0);
  EXPECT_TRUE(breaker.is_shut());
  EXPECT_GT(breaker.probe_at(), at);
  EXPECT_LE(breaker.probe_at(), at + 2s);
  for (int i = 0; i < 20; ++i)
    breaker.unanswered(at, 0.5);
  EXPECT_LE(breaker.probe_at(), at + 15min);
}

TEST(AppBreaker, Operator_MayHaveItAskedOnceAMinute) {
  AppBreaker breaker = shut();
  breaker.ask_soon(kNow + 10s);
  EXPECT_EQ(kNow + 1min, breaker.probe_at());
  breaker.ask_soon(kNow + 5min);
  EXPECT_EQ(kNow + 1min, breaker.probe_at());
}

TEST(AppBreaker, NoAnswerWhileServing_ChangesNothing) {
  AppBreaker breaker;
  breaker.unanswered(kNow, 0);
  EXPECT_EQ(State::kServing, breaker.state());
}

TEST(AppBreaker, TimeScale_ShortensTheProbes) {
  AppBreaker breaker(0.01);
  breaker.refused("app/alice", kExpired, kAlone, kNow, 0);
  EXPECT_EQ(kNow + 36s, breaker.probe_at());
}

} // namespace
} // namespace mailmoor::mailbox
