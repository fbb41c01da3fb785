#include "mailbox/back_off.h"

#include <array>
#include <gtest/gtest.h>
#include <vector>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr double kAlmostOne = 0.999999999;

[[nodiscard]] Error error(ErrorKind kind, std::string code = "x") {
  return {kind, std::move(code), "seen"};
}
// The whole wait of each step: what the chance can come closest to.
[[nodiscard]] std::vector<std::chrono::seconds> ladder(const Error& error, int steps) {
  std::vector<std::chrono::seconds> waits;
  for (int failures = 1; failures <= steps; ++failures)
    waits.push_back(std::chrono::ceil<std::chrono::seconds>(back_off(error, failures, kAlmostOne)));
  return waits;
}

TEST(BackOff, PassingFaults_DoubleFromFiveSecondsToAQuarterOfAnHour) {
  const std::vector<std::chrono::seconds> expected = {5s, 10s, 20s, 40s, 80s, 160s, 320s, 640s, 900s, 900s};
  for (const ErrorKind kind : {ErrorKind::kHost, ErrorKind::kMailbox, ErrorKind::kFolder, ErrorKind::kMessage})
    EXPECT_EQ(expected, ladder(error(kind), 10));
}

TEST(BackOff, FaultsThatNeedSomeone_GrowToAnHour) {
  const std::vector<std::chrono::seconds> expected = {1min, 5min, 15min, 1h, 1h, 1h};
  for (const ErrorKind kind : {ErrorKind::kApp, ErrorKind::kOperator, ErrorKind::kBug})
    EXPECT_EQ(expected, ladder(error(kind), 6));
  EXPECT_EQ(expected, ladder(error(ErrorKind::kMailbox, "not_connected"), 6));
}

TEST(BackOff, TooManyConnections_WaitsFiveMinutesAtTheLeast) {
  const Error full = error(ErrorKind::kMailbox, "too_many_connections");
  for (int failures = 1; failures < 10; ++failures) {
    EXPECT_GE(back_off(full, failures, 0.0), 5min);
    EXPECT_LE(back_off(full, failures, kAlmostOne), 10min);
  }
}

TEST(BackOff, OverQuota_DoublesFromAnHourToADay) {
  const std::vector<std::chrono::hours> expected = {1h, 2h, 4h, 8h, 16h, 24h, 24h};
  std::vector<std::chrono::hours> waits;
  for (int times = 1; times <= 7; ++times)
    waits.push_back(over_quota_wait(times));
  EXPECT_EQ(expected, waits);
}

TEST(BackOff, EachLadder_CountsItsOwn) {
  for (const ErrorKind kind : {ErrorKind::kHost, ErrorKind::kMailbox, ErrorKind::kFolder, ErrorKind::kMessage})
    EXPECT_EQ(Ladder::kPassing, ladder_of(error(kind)));
  for (const ErrorKind kind : {ErrorKind::kApp, ErrorKind::kOperator, ErrorKind::kBug})
    EXPECT_EQ(Ladder::kNeedsSomeone, ladder_of(error(kind)));
  EXPECT_EQ(Ladder::kNeedsSomeone, ladder_of(error(ErrorKind::kMailbox, "not_connected")));
  EXPECT_EQ(Ladder::kOverQuota, ladder_of(error(ErrorKind::kMailbox, "over_quota")));
}

TEST(BackOff, FaultsInARow_AreCountedUntilASessionLastedFiveMinutes) {
  EXPECT_EQ(1, count_faults(error(ErrorKind::kHost), "", 0, 1s));
  EXPECT_EQ(4, count_faults(error(ErrorKind::kHost), "x", 3, 5min - 1us));
  EXPECT_EQ(1, count_faults(error(ErrorKind::kHost), "x", 3, 5min));
}

TEST(BackOff, OverQuota_CountsItselfHoweverLongTheSessionWas) {
  const Error over = error(ErrorKind::kMailbox, "over_quota");
  EXPECT_EQ(1, count_faults(over, "connection_lost", 7, 1s)) << "it is the first of its kind";
  EXPECT_EQ(2, count_faults(over, "over_quota", 1, 3h));
  EXPECT_EQ(1, count_faults(over, "", 5, 3h)) << "a pass was completed since";
}

TEST(BackOff, Chance_MovesItInTheLaterHalf) {
  for (const ErrorKind kind : {ErrorKind::kHost, ErrorKind::kOperator}) {
    for (int failures = 1; failures < 12; ++failures) {
      const milliseconds least = back_off(error(kind), failures, 0.0);
      const milliseconds most = back_off(error(kind), failures, kAlmostOne);
      EXPECT_NEAR(static_cast<double>(least.count() * 2), static_cast<double>(most.count()), 2.0);
      const milliseconds middle = back_off(error(kind), failures, 0.5);
      EXPECT_LT(least, middle);
      EXPECT_LT(middle, most);
    }
  }
}

TEST(BackOff, AnyCount_StaysInBounds) {
  for (const int failures : {-1, 0, 1, 1000, 2'000'000'000}) {
    EXPECT_GE(back_off(error(ErrorKind::kHost), failures, 0.0), 2500ms);
    EXPECT_LE(back_off(error(ErrorKind::kHost), failures, kAlmostOne), 15min);
    EXPECT_LE(back_off(error(ErrorKind::kBug), failures, kAlmostOne), 1h);
  }
}

} // namespace
} // namespace mailmoor::mailbox
