#include "runtime/wait.h"

#include "runtime/loop_fixture.h"
#include "runtime/task_set.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::runtime {
namespace {

using std::chrono::seconds;

class WaitTest : public LoopTest {
 protected:
  std::string seen_;
  TaskSet tasks_{loop_};
};

Task<void> note_after(Loop& loop, Duration delay, std::string& seen, char mark) {
  co_await nap(loop, delay);
  seen += mark;
}

TEST_F(WaitTest, sleepers_wake_in_order) {
  tasks_.spawn(note_after(loop_, seconds(2), seen_, '2'));
  tasks_.spawn(note_after(loop_, seconds(1), seen_, '1'));
  tasks_.spawn(note_after(loop_, Duration::max(), seen_, 'n'));
  advance(seconds(1));
  EXPECT_EQ(seen_, "1");
  advance(seconds(1));
  EXPECT_EQ(seen_, "12");
}

Task<void> take_turns(Loop& loop, std::string& seen, char mark) {
  for (int i = 0; i < 3; ++i) {
    seen += mark;
    co_await yield_to_loop(loop);
  }
}

TEST_F(WaitTest, yielding_lets_others_run) {
  tasks_.spawn(take_turns(loop_, seen_, 'a'));
  tasks_.spawn(take_turns(loop_, seen_, 'b'));
  loop_.run_ready();
  EXPECT_EQ(seen_, "ababab");
}

Task<void> note_event(Event& event, MonoTime due, std::string& seen) {
  const bool happened = co_await event.wait_until(due);
  seen += happened ? 'y' : 'n';
}

TEST_F(WaitTest, an_event_wakes_all_who_wait) {
  Event event(loop_);
  tasks_.spawn(note_event(event, MonoTime::max(), seen_));
  tasks_.spawn(note_event(event, loop_.now() + seconds(1), seen_));
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
  event.set();
  EXPECT_EQ(seen_, "") << "set() resumes nobody inside the call";
  loop_.run_ready();
  EXPECT_EQ(seen_, "yy");
  advance(seconds(2));
  EXPECT_EQ(seen_, "yy");
}

TEST_F(WaitTest, a_set_event_does_not_suspend) {
  Event event(loop_);
  event.set();
  tasks_.spawn(note_event(event, MonoTime::max(), seen_));
  EXPECT_EQ(seen_, "y");
}

TEST_F(WaitTest, set_then_reset_wakes_those_who_waited) {
  Event event(loop_);
  tasks_.spawn(note_event(event, MonoTime::max(), seen_));
  event.set();
  event.reset();
  EXPECT_FALSE(event.is_set());
  tasks_.spawn(note_event(event, loop_.now() + seconds(1), seen_)); // came after: waits
  loop_.run_ready();
  EXPECT_EQ(seen_, "y");
  advance(seconds(1));
  EXPECT_EQ(seen_, "yn");
}

TEST_F(WaitTest, an_event_that_does_not_happen_times_out) {
  Event event(loop_);
  tasks_.spawn(note_event(event, loop_.now() + seconds(1), seen_));
  advance(seconds(1));
  EXPECT_EQ(seen_, "n");
  event.set();
  loop_.run_ready();
  EXPECT_EQ(seen_, "n");
}

TEST_F(WaitTest, an_event_set_in_the_turn_in_which_the_time_is_up_has_happened) {
  Event event(loop_);
  Timer setter(loop_, [&event] { event.set(); });
  setter.start_after(seconds(1)); // due in the same turn, before the waiter
  tasks_.spawn(note_event(event, loop_.now() + seconds(1), seen_));
  advance(seconds(1));
  EXPECT_EQ(seen_, "y");
  EXPECT_EQ(loop_.next_timer(), MonoTime::max());
}

Task<void> wait_twice(Event& event, std::string& seen) {
  for (int i = 0; i < 2; ++i) {
    const bool happened = co_await event.wait_until(MonoTime::max());
    seen += happened ? 'y' : 'n';
    event.reset();
  }
}

TEST_F(WaitTest, an_event_may_be_reset_and_awaited_by_who_it_woke) {
  Event event(loop_);
  tasks_.spawn(wait_twice(event, seen_));
  event.set();
  loop_.run_ready();
  EXPECT_EQ(seen_, "y");
  event.set();
  loop_.run_ready();
  EXPECT_EQ(seen_, "yy");
}

Task<void> hold_permit(Semaphore& semaphore, Event& leave, std::string& seen, char mark) {
  const Semaphore::Permit permit = co_await semaphore.acquire();
  seen += mark;
  co_await leave.wait_until(MonoTime::max());
}

TEST_F(WaitTest, permits_go_to_who_came_first) {
  Semaphore semaphore(loop_, 2);
  Event leave(loop_);
  for (const char mark : {'a', 'b', 'c', 'd'})
    tasks_.spawn(hold_permit(semaphore, leave, seen_, mark));
  EXPECT_EQ(seen_, "ab");
  EXPECT_EQ(semaphore.free_permits(), 0U);
  EXPECT_TRUE(semaphore.has_waiters());
  leave.set();
  loop_.run_ready();
  EXPECT_EQ(seen_, "abcd");
  EXPECT_EQ(semaphore.free_permits(), 2U);
  EXPECT_FALSE(semaphore.has_waiters());
}

TEST_F(WaitTest, a_released_permit_is_not_taken_from_under_the_waiter) {
  Semaphore semaphore(loop_, 1);
  Event leave(loop_);
  Event stay(loop_);
  tasks_.spawn(hold_permit(semaphore, leave, seen_, 'a'));
  tasks_.spawn(hold_permit(semaphore, stay, seen_, 'b'));
  std::optional<Semaphore::Permit> own;
  leave.set();
  loop_.run_ready();
  EXPECT_EQ(seen_, "ab");
  tasks_.spawn(hold_permit(semaphore, stay, seen_, 'c'));
  loop_.run_ready();
  EXPECT_EQ(seen_, "ab");
  stay.set();
  loop_.run_ready();
  EXPECT_EQ(seen_, "abc");
}

TEST_F(WaitTest, a_permit_counts_once_however_often_it_is_moved) {
  Semaphore semaphore(loop_, 1);
  auto acquire = semaphore.acquire();
  ASSERT_TRUE(acquire.await_ready());
  Semaphore::Permit first = acquire.await_resume();
  Semaphore::Permit second = std::move(first);
  first = std::move(second);
  EXPECT_EQ(semaphore.free_permits(), 0U);
  first.release();
  first.release();
  EXPECT_EQ(semaphore.free_permits(), 1U);
}

class WithTimeoutTest : public WaitTest {
 protected:
  void spawn(Duration limit, Task<Result<int>> task) { tasks_.spawn(note(loop_, limit, std::move(task), results_)); }
  static Task<void> note(Loop& loop, Duration limit, Task<Result<int>> task, std::vector<Result<int>>& results) {
    Error too_late(ErrorKind::kHost, "too_late", "it took too long");
    Result<int> result = co_await with_timeout<int>(loop, limit, std::move(too_late), std::move(task));
    results.push_back(std::move(result));
  }
  std::vector<Result<int>> results_;
  Tally tally_;
};

Task<Result<int>> seven_after(Loop& loop, Duration delay, Tally& tally) {
  const Local local(tally);
  if (delay > Duration::zero()) co_await nap(loop, delay);
  co_return 7;
}

TEST_F(WithTimeoutTest, hands_on_a_result_that_is_there_at_once) {
  spawn(seconds(1), seven_after(loop_, seconds(0), tally_));
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0], 7);
  EXPECT_EQ(loop_.next_timer(), MonoTime::max());
}

TEST_F(WithTimeoutTest, hands_on_a_result_in_time) {
  spawn(seconds(3), seven_after(loop_, seconds(2), tally_));
  advance(seconds(2));
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0], 7);
  EXPECT_EQ(loop_.next_timer(), MonoTime::max()) << "the limit's timer is stopped";
}

TEST_F(WithTimeoutTest, cancels_what_takes_too_long) {
  spawn(seconds(1), seven_after(loop_, seconds(2), tally_));
  EXPECT_EQ(tally_.alive(), 1);
  advance(seconds(1));
  ASSERT_EQ(results_.size(), 1U);
  ASSERT_FALSE(results_[0]);
  EXPECT_EQ(results_[0].error().code, "too_late");
  EXPECT_EQ(tally_.made, 1);
  EXPECT_EQ(tally_.released, 1);
  advance(seconds(5));
  EXPECT_EQ(results_.size(), 1U);
}

TEST_F(WithTimeoutTest, a_result_of_the_same_turn_wins) {
  spawn(seconds(1), seven_after(loop_, seconds(1), tally_));
  advance(seconds(1));
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0], 7);
}

TEST_F(WithTimeoutTest, no_limit_is_no_limit) {
  spawn(Duration::max(), seven_after(loop_, seconds(1'000'000), tally_));
  advance(seconds(1'000'000));
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0], 7);
}

Task<Result<int>> limited(Loop& loop, Duration limit, Task<Result<int>> task) {
  Error too_late(ErrorKind::kHost, "inner_too_late", "it took too long");
  Result<int> result = co_await with_timeout<int>(loop, limit, std::move(too_late), std::move(task));
  co_return result;
}

TEST_F(WithTimeoutTest, limits_nest) {
  spawn(seconds(5), limited(loop_, seconds(2), seven_after(loop_, seconds(9), tally_)));
  spawn(seconds(2), limited(loop_, seconds(5), seven_after(loop_, seconds(9), tally_)));
  advance(seconds(2));
  ASSERT_EQ(results_.size(), 2U);
  EXPECT_EQ(tally_.alive(), 0);
  EXPECT_EQ(results_[0].error().code, "too_late") << "one step shorter";
  EXPECT_EQ(results_[1].error().code, "inner_too_late");
}

} // namespace
} // namespace mailmoor::runtime
