#include "supervisor/login_pace.h"

#include "runtime/run_task.h"

#include <gtest/gtest.h>
#include <list>
#include <vector>

namespace mailmoor::supervisor {
namespace {

using namespace std::chrono_literals;

class PaceTest : public ::testing::Test {
 protected:
  struct Login {
    explicit Login(PaceTest& test) {
      runner.start(test.pace.admit(), [this, &test] {
        admitted = true;
        test.admitted.push_back(test.loop.now());
      });
    }
    bool admitted = false;
    runtime::TaskRunner<void> runner;
  };
  void ask(int count) {
    for (int i = 0; i < count; ++i)
      logins.emplace_back(*this);
  }
  void pass(runtime::Duration time, runtime::Duration step = 10ms) {
    for (runtime::Duration gone{}; gone < time; gone += step) {
      clock.advance(step);
      loop.run_ready();
    }
  }
  runtime::ManualClock clock;
  runtime::Loop loop{clock};
  LoginPace pace{loop, 120};
  std::vector<runtime::MonoTime> admitted;
  std::list<Login> logins;
};

TEST_F(PaceTest, AFew_StartAtOnce) {
  ask(20);
  EXPECT_EQ(20U, admitted.size());
  ask(1);
  EXPECT_EQ(20U, admitted.size());
}

TEST_F(PaceTest, Many_ComeAtTheRateAndInOrder) {
  ask(500);
  pass(3min);
  // The burst and 100 more in the first 61 seconds, which are full then; from their end on 120 in each 61.
  EXPECT_EQ(120U + 235U, admitted.size());
  for (std::size_t i = 21; i < admitted.size(); ++i) {
    if (i == 120) continue;
    EXPECT_LE(500ms, admitted[i] - admitted[i - 1]) << i;
    EXPECT_GE(520ms, admitted[i] - admitted[i - 1]) << i;
  }
  EXPECT_EQ(61s, admitted[120] - admitted[0]);
  auto login = logins.begin();
  for (std::size_t i = 0; i < admitted.size(); ++i)
    EXPECT_TRUE((login++)->admitted);
  EXPECT_FALSE(login->admitted);
}

TEST_F(PaceTest, AnyMinute_HasNoMoreThanTheRate) {
  for (int i = 0; i < 40; ++i) { // asks come in lumps
    ask(i % 7 * 9);
    pass(i % 3 * 5s, 100ms);
  }
  pass(10min, 100ms);
  for (std::size_t first = 0; first < admitted.size(); ++first) {
    std::size_t in_a_minute = 0;
    while (first + in_a_minute < admitted.size() && admitted[first + in_a_minute] <= admitted[first] + 1min)
      ++in_a_minute;
    EXPECT_LE(in_a_minute, 120U);
  }
  EXPECT_EQ(logins.size(), admitted.size());
}

TEST_F(PaceTest, Silence_SavesUpOneBurstOnly) {
  pass(24h, 1h);
  ask(100);
  EXPECT_EQ(20U, admitted.size());
}

TEST_F(PaceTest, OnesWhoGiveUp_CostTheOthersNothing) {
  ask(20);
  std::list<Login> leaving;
  for (int i = 0; i < 300; ++i)
    leaving.emplace_back(*this);
  leaving.clear();
  ask(1);
  pass(510ms);
  EXPECT_TRUE(logins.back().admitted);
}

TEST_F(PaceTest, OnePerMinute_HasABurstOfOne) {
  pace.set_rate(1);
  ask(3);
  EXPECT_EQ(1U, admitted.size());
  pass(60s);
  EXPECT_EQ(1U, admitted.size());
  pass(1s);
  EXPECT_EQ(2U, admitted.size());
  pass(61s);
  EXPECT_EQ(3U, admitted.size());
}

TEST_F(PaceTest, NewRate_HoldsForThoseWhoWait) {
  pace.set_rate(1);
  ask(1);
  pace.set_rate(60);
  ask(5);
  pass(10s);
  EXPECT_EQ(6U, admitted.size());
}

// The turn that was due before a suspend comes after it, and counts when it comes.
TEST_F(PaceTest, MachineSleeps_NoMoreThanTheRateComesAfterIt) {
  ask(1000);
  pass(10s);
  const std::size_t before = admitted.size();
  clock.suspend(8h);
  loop.run_ready();
  pass(1min);
  EXPECT_EQ(120U, admitted.size() - before);
}

TEST_F(PaceTest, Turn_IsTold) {
  int told = 0;
  pace.on_turn([&told] { ++told; });
  ask(30);
  EXPECT_EQ(20, told);
  EXPECT_EQ(10U, pace.waiting());
  logins.clear();
  EXPECT_EQ(0U, pace.waiting());
}

} // namespace
} // namespace mailmoor::supervisor
