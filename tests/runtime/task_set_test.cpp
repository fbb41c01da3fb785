#include "runtime/task_set.h"

#include "runtime/loop_fixture.h"

#include <memory>
#include <utility>

namespace mailmoor::runtime {
namespace {

using std::chrono::seconds;

class TaskSetTest : public LoopTest {
 protected:
  Tally tally_;
};

Task<void> at_once(Tally& tally) {
  const Local local(tally);
  co_return;
}

Task<void> after(Loop& loop, Duration delay, Tally& tally) {
  const Local local(tally);
  co_await nap(loop, delay);
}

Task<void> spawn_another(Loop& loop, TaskSet& tasks, int depth, Tally& tally) {
  const Local local(tally);
  if (depth > 0) tasks.spawn(spawn_another(loop, tasks, depth - 1, tally));
  co_await nap(loop, seconds(1));
  if (depth > 0) tasks.spawn(spawn_another(loop, tasks, depth - 1, tally));
}

TEST_F(TaskSetTest, a_task_may_finish_at_once) {
  TaskSet tasks(loop_);
  int emptied = 0;
  tasks.on_empty([&emptied] { ++emptied; });
  tasks.spawn(at_once(tally_));
  EXPECT_EQ(tally_.released, 1);
  EXPECT_EQ(emptied, 0) << "not inside spawn()";
  loop_.run_ready();
  EXPECT_EQ(emptied, 1);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(TaskSetTest, tells_when_the_last_one_is_gone) {
  TaskSet tasks(loop_);
  int emptied = 0;
  tasks.on_empty([&emptied] { ++emptied; });
  tasks.spawn(after(loop_, seconds(1), tally_));
  tasks.spawn(after(loop_, seconds(2), tally_));
  advance(seconds(1));
  EXPECT_EQ(emptied, 0);
  EXPECT_FALSE(tasks.empty());
  advance(seconds(1));
  EXPECT_EQ(emptied, 1);
  EXPECT_EQ(tally_.alive(), 0);
}

TEST_F(TaskSetTest, a_task_may_spawn_another) {
  TaskSet tasks(loop_);
  tasks.spawn(spawn_another(loop_, tasks, 4, tally_));
  for (int i = 0; i < 6; ++i)
    advance(seconds(1));
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(tally_.made, 31);
  EXPECT_EQ(tally_.released, 31);
}

TEST_F(TaskSetTest, destruction_cancels) {
  auto tasks = std::make_unique<TaskSet>(loop_);
  tasks->spawn(after(loop_, seconds(1), tally_));
  tasks->spawn(after(loop_, seconds(2), tally_));
  tasks->spawn(at_once(tally_));
  tasks.reset();
  EXPECT_EQ(tally_.alive(), 0);
  advance(seconds(5));
  EXPECT_EQ(loop_.next_timer(), MonoTime::max());
}

TEST_F(TaskSetTest, cancelled_tasks_are_not_reported) {
  TaskSet tasks(loop_);
  int emptied = 0;
  tasks.on_empty([&emptied] { ++emptied; });
  tasks.spawn(after(loop_, seconds(1), tally_));
  tasks.cancel_all();
  EXPECT_EQ(tally_.alive(), 0);
  EXPECT_TRUE(tasks.empty());
  advance(seconds(2));
  EXPECT_EQ(emptied, 0);
}

TEST_F(TaskSetTest, on_empty_may_destroy_the_set) {
  auto tasks = std::make_unique<TaskSet>(loop_);
  const auto counted = std::make_shared<Local>(tally_);
  tasks->on_empty([&tasks, counted, text = std::string(100, 'x')] {
    tasks.reset();
    EXPECT_EQ(text.size(), 100U);
  });
  tasks->spawn(at_once(tally_));
  loop_.run_ready();
  EXPECT_FALSE(tasks);
}

TEST_F(TaskSetTest, on_empty_may_spawn) {
  TaskSet tasks(loop_);
  int rounds = 0;
  tasks.on_empty([&] {
    if (++rounds < 3) tasks.spawn(at_once(tally_));
  });
  tasks.spawn(at_once(tally_));
  loop_.run_ready();
  EXPECT_EQ(rounds, 3);
}

Task<int> seven_after(Loop& loop, Duration delay) {
  co_await nap(loop, delay);
  co_return 7;
}

TEST_F(TaskSetTest, a_runner_reports_exactly_once) {
  int reports = 0;
  int value = 0;
  TaskRunner<int> runner;
  runner.start(seven_after(loop_, seconds(1)), [&](int result) {
    ++reports;
    value = result;
  });
  EXPECT_TRUE(runner.is_running());
  advance(seconds(1));
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(value, 7);
  EXPECT_FALSE(runner.is_running());
  runner.cancel();
  EXPECT_EQ(reports, 1);
}

TEST_F(TaskSetTest, a_cancelled_runner_reports_nothing_and_starts_again) {
  int reports = 0;
  TaskRunner<int> runner;
  const auto count = [&reports](int) { ++reports; };
  runner.start(seven_after(loop_, seconds(1)), count);
  runner.cancel();
  EXPECT_FALSE(runner.is_running());
  advance(seconds(2));
  EXPECT_EQ(reports, 0);
  runner.start(seven_after(loop_, seconds(1)), count);
  advance(seconds(1));
  EXPECT_EQ(reports, 1);
}

TEST_F(TaskSetTest, starting_again_cancels_what_runs) {
  TaskRunner<void> runner;
  runner.start(after(loop_, seconds(1), tally_), [] {});
  runner.start(after(loop_, seconds(1), tally_), [] {});
  EXPECT_EQ(tally_.made, 2);
  EXPECT_EQ(tally_.alive(), 1);
}

} // namespace
} // namespace mailmoor::runtime
