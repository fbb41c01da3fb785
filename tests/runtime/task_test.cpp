#include "runtime/task.h"

#include "runtime/loop_fixture.h"
#include "runtime/run_task.h"
#include "runtime/wait.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::runtime {
namespace {

using std::chrono::seconds;

class TaskTest : public LoopTest {};

Task<int> answer(bool& started) {
  started = true;
  co_return 42;
}

Task<int> answer_later(Loop& loop) {
  co_await nap(loop, seconds(1));
  co_return 42;
}

Task<void> note_later(Loop& loop, bool& noted) {
  co_await nap(loop, seconds(1));
  noted = true;
}

Task<std::unique_ptr<std::string>> move_only() {
  co_return std::make_unique<std::string>("only one");
}

Task<int> add(Task<int> left, Task<int> right) {
  const int a = co_await left;
  const int b = co_await right;
  co_return a + b;
}

template<class T>
Task<void> store(Task<T> from, T& into) {
  into = co_await from;
}

TEST_F(TaskTest, starts_when_awaited) {
  bool started = false;
  Task<int> task = answer(started);
  EXPECT_FALSE(started);
  int value = 0;
  TaskRunner<void> runner;
  runner.start(store(std::move(task), value), [] {});
  EXPECT_TRUE(started);
  EXPECT_EQ(value, 42);
}

TEST_F(TaskTest, that_never_starts_is_released) {
  bool started = false;
  {
    const Task<int> task = answer(started);
  }
  EXPECT_FALSE(started);
}

TEST_F(TaskTest, hands_a_late_value_to_its_awaiter) {
  int value = 0;
  bool done = false;
  TaskRunner<void> runner;
  runner.start(store(answer_later(loop_), value), [&done] { done = true; });
  loop_.run_ready();
  EXPECT_FALSE(done);
  EXPECT_TRUE(runner.is_running());
  advance(seconds(1));
  EXPECT_TRUE(done);
  EXPECT_FALSE(runner.is_running());
  EXPECT_EQ(value, 42);
}

TEST_F(TaskTest, without_a_value_finishes_late) {
  bool noted = false;
  TaskRunner<void> runner;
  runner.start(note_later(loop_, noted), [] {});
  EXPECT_FALSE(noted);
  advance(seconds(1));
  EXPECT_TRUE(noted);
}

TEST_F(TaskTest, result_may_be_move_only) {
  std::unique_ptr<std::string> value;
  TaskRunner<void> runner;
  runner.start(store(move_only(), value), [] {});
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, "only one");
}

TEST_F(TaskTest, mixes_early_and_late_results) {
  bool started = false;
  int value = 0;
  TaskRunner<void> runner;
  runner.start(store(add(answer_later(loop_), answer(started)), value), [] {});
  EXPECT_FALSE(started) << "the second is awaited after the first";
  advance(seconds(1));
  EXPECT_EQ(value, 84);
}

Task<void> hold(std::unique_ptr<Local> local) {
  static_cast<void>(local);
  co_return;
}

TEST_F(TaskTest, assigning_cancels_what_was_there) {
  Tally first;
  Tally second;
  Task<void> task = hold(std::make_unique<Local>(first));
  task = hold(std::make_unique<Local>(second));
  EXPECT_EQ(first.alive(), 0);
  EXPECT_EQ(second.alive(), 1);
  task.reset();
  EXPECT_EQ(second.alive(), 0);
  EXPECT_FALSE(task.is_valid());
}

Task<int> one() {
  co_return 1;
}

Task<void> await_many(int times, int& sum) {
  for (int i = 0; i < times; ++i)
    sum += co_await one();
}

// GCC 12 makes no tail call of a symmetric transfer: see task.h.
TEST_F(TaskTest, many_awaits_that_finish_at_once_need_no_stack) {
  int sum = 0;
  TaskRunner<void> runner;
  runner.start(await_many(200'000, sum), [] {});
  EXPECT_EQ(sum, 200'000);
}

Task<int> sometimes_late(Loop& loop, int i) {
  if (i % 3 == 0) co_await yield_to_loop(loop);
  co_return 1;
}

Task<void> await_mixed(Loop& loop, int times, int& sum) {
  for (int i = 0; i < times; ++i)
    sum += co_await sometimes_late(loop, i);
}

TEST_F(TaskTest, many_awaits_early_and_late_need_no_stack) {
  int sum = 0;
  TaskRunner<void> runner;
  runner.start(await_mixed(loop_, 20'000, sum), [] {});
  loop_.run_ready();
  EXPECT_EQ(sum, 20'000);
}

Task<int> nested(Loop& loop, int depth) {
  if (depth == 0) {
    co_await nap(loop, seconds(1));
    co_return 0;
  }
  const int below = co_await nested(loop, depth - 1);
  co_return below + 1;
}

TEST_F(TaskTest, a_deep_chain_finishes_late) {
  int depth = 0;
  TaskRunner<void> runner;
  runner.start(store(nested(loop_, 1000), depth), [] {});
  advance(seconds(1));
  EXPECT_EQ(depth, 1000);
}

Task<void> throws() {
  throw std::runtime_error("left a task");
  co_return;
}

TEST_F(TaskTest, an_exception_that_leaves_a_task_ends_the_process) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  TaskRunner<void> runner;
  EXPECT_DEATH(runner.start(throws(), [] {}), "left a task");
}

} // namespace
} // namespace mailmoor::runtime
