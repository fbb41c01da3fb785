#include "runtime/loop_fixture.h"

#include <memory>
#include <string>

namespace mailmoor::runtime {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class TimerTest : public LoopTest {
 protected:
  std::string seen_;
  Timer a_{loop_, [this] { seen_ += 'a'; }};
  Timer b_{loop_, [this] { seen_ += 'b'; }};
  Timer c_{loop_, [this] { seen_ += 'c'; }};
};

TEST_F(TimerTest, fires_in_the_order_of_deadlines) {
  a_.start_after(seconds(3));
  b_.start_after(seconds(1));
  c_.start_after(seconds(2));
  EXPECT_EQ(loop_.next_timer(), loop_.now() + seconds(1));
  advance(milliseconds(999));
  EXPECT_EQ(seen_, "");
  advance(milliseconds(1));
  EXPECT_EQ(seen_, "b");
  advance(seconds(10));
  EXPECT_EQ(seen_, "bca");
  EXPECT_EQ(loop_.next_timer(), MonoTime::max());
}

TEST_F(TimerTest, equal_deadlines_fire_in_the_order_of_starting) {
  b_.start_after(seconds(1));
  a_.start_after(seconds(1));
  c_.start_after(seconds(1));
  advance(seconds(1));
  EXPECT_EQ(seen_, "bac");
}

TEST_F(TimerTest, fires_once) {
  a_.start_after(seconds(1));
  EXPECT_TRUE(a_.is_running());
  advance(seconds(1));
  EXPECT_FALSE(a_.is_running());
  advance(hours(1));
  EXPECT_EQ(seen_, "a");
}

TEST_F(TimerTest, restarting_moves_the_deadline) {
  a_.start_after(seconds(1));
  a_.start_after(seconds(5));
  advance(seconds(2));
  EXPECT_EQ(seen_, "");
  a_.start_after(seconds(1));
  advance(seconds(1));
  EXPECT_EQ(seen_, "a");
}

TEST_F(TimerTest, stopped_does_not_fire) {
  a_.start_after(seconds(1));
  a_.stop();
  a_.stop();
  EXPECT_FALSE(a_.is_running());
  advance(seconds(1));
  EXPECT_EQ(seen_, "");
}

TEST_F(TimerTest, a_negative_delay_is_now) {
  a_.start_after(seconds(-5));
  loop_.run_ready();
  EXPECT_EQ(seen_, "a");
}

TEST_F(TimerTest, a_deadline_in_the_past_is_now) {
  a_.start_at(MonoTime::min());
  loop_.run_ready();
  EXPECT_EQ(seen_, "a");
}

TEST_F(TimerTest, another_ones_function_may_stop_it) {
  Timer stopper(loop_, [this] { a_.stop(); });
  stopper.start_after(seconds(1));
  a_.start_after(seconds(1)); // due in the same turn, after the stopper
  advance(seconds(1));
  EXPECT_EQ(seen_, "");
  EXPECT_FALSE(a_.is_running());
}

TEST_F(TimerTest, another_ones_function_may_destroy_it) {
  auto victim = std::make_unique<Timer>(loop_, [this] { seen_ += 'v'; });
  Timer killer(loop_, [&victim] { victim.reset(); });
  killer.start_after(seconds(1));
  victim->start_after(seconds(1));
  advance(seconds(1));
  EXPECT_EQ(seen_, "");
}

TEST_F(TimerTest, its_own_function_may_destroy_it) {
  std::unique_ptr<Timer> timer;
  const std::string large_capture(100, 'x');
  timer = std::make_unique<Timer>(loop_, [this, &timer, large_capture] {
    timer.reset();
    seen_ += large_capture.front();
  });
  timer->start_after(seconds(1));
  advance(seconds(1));
  EXPECT_EQ(seen_, "x");
}

TEST_F(TimerTest, its_own_function_may_restart_it) {
  int fired = 0;
  Timer timer(loop_, [&] {
    if (++fired < 3) timer.start_after(seconds(1));
  });
  timer.start_after(seconds(1));
  for (int i = 0; i < 5; ++i)
    advance(seconds(1));
  EXPECT_EQ(fired, 3);
}

// A timer that is always due takes turns with everything else.
TEST_F(TimerTest, restarting_at_once_leaves_the_turn_to_others) {
  int fired = 0;
  bool enough = false;
  Timer always(loop_, [&] {
    ++fired;
    if (!enough) always.start_after(Duration::zero());
  });
  int turns = 0;
  Wakeup other([&] {
    if (++turns < 10) return loop_.schedule(other);
    enough = true;
  });
  always.start_after(Duration::zero());
  loop_.schedule(other);
  loop_.run_ready();
  EXPECT_EQ(turns, 10);
  EXPECT_LE(fired, 11);
}

TEST_F(TimerTest, far_deadlines_do_not_overflow) {
  a_.start_after(Duration::max());
  b_.start_at(MonoTime::max());
  c_.start_after(hours(24 * 365 * 100));
  advance(hours(24 * 365));
  EXPECT_EQ(seen_, "");
  EXPECT_TRUE(a_.is_running());
}

TEST_F(TimerTest, the_machines_clock_wakes_the_loop) {
  const SystemClock clock;
  Loop loop(clock);
  bool fired = false;
  Timer timer(loop, [&fired] { fired = true; });
  Timer far(loop, [] {});
  far.start_after(Duration::max());
  const MonoTime began = loop.now();
  timer.start_after(milliseconds(3));
  loop.run_until([&fired] { return fired; });
  EXPECT_GE(loop.now() - began, milliseconds(3));
}

TEST_F(TimerTest, wall_clock_jumps_do_not_matter) {
  a_.start_after(seconds(10));
  clock_.jump_wall(hours(5));
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
  clock_.jump_wall(hours(-50));
  advance(seconds(10));
  EXPECT_EQ(seen_, "a");
}

} // namespace
} // namespace mailmoor::runtime
