#include "runtime/blocking_pool.h"

#include "runtime/loop_fixture.h"
#include "runtime/task_set.h"
#include "util/may_block.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mailmoor::runtime {
namespace {

class BlockingPoolTest : public LoopTest {
 protected:
  void run_until_empty(const TaskSet& tasks) {
    loop_.run_until([&tasks] { return tasks.empty(); });
  }
  Tally tally_;
};

Task<void> append_blocking(BlockingPool& pool, std::vector<int>& order, int number) {
  auto job = [&order, number] {
    order.push_back(number);
    return number * 2;
  };
  const int doubled = co_await pool.run(std::move(job));
  EXPECT_EQ(doubled, number * 2);
}

TEST_F(BlockingPoolTest, one_thread_keeps_the_order) {
  std::vector<int> order; // by the one pool thread; read when all jobs are done
  BlockingPool pool(loop_, 1, "serial");
  TaskSet tasks(loop_);
  for (int i = 0; i < 200; ++i)
    tasks.spawn(append_blocking(pool, order, i));
  run_until_empty(tasks);
  ASSERT_EQ(order.size(), 200U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(pool.backlog(), 0U);
}

Task<void> move_through(BlockingPool& pool, std::unique_ptr<int> number, int& sum) {
  auto job = [number = std::move(number)]() mutable { return std::move(number); };
  const std::unique_ptr<int> back = co_await pool.run(std::move(job));
  sum += *back;
}

TEST_F(BlockingPoolTest, jobs_and_results_may_be_move_only) {
  int sum = 0;
  BlockingPool pool(loop_, 4, "several");
  TaskSet tasks(loop_);
  for (int i = 1; i <= 100; ++i)
    tasks.spawn(move_through(pool, std::make_unique<int>(i), sum));
  run_until_empty(tasks);
  EXPECT_EQ(sum, 5050);
}

Task<void> where_am_i(BlockingPool& pool, std::thread::id& job_thread, bool& may_block, bool& signals_blocked) {
  auto job = [&] {
    may_block = mailmoor::detail::thread_may_block;
    sigset_t mask{};
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    signals_blocked = sigismember(&mask, SIGTERM) == 1;
    return std::this_thread::get_id();
  };
  job_thread = co_await pool.run(std::move(job));
}

TEST_F(BlockingPoolTest, jobs_run_elsewhere_where_blocking_is_fine) {
  std::thread::id job_thread;
  bool may_block = false;
  bool signals_blocked = false;
  BlockingPool pool(loop_, 2, "files");
  TaskSet tasks(loop_);
  tasks.spawn(where_am_i(pool, job_thread, may_block, signals_blocked));
  run_until_empty(tasks);
  EXPECT_NE(job_thread, std::this_thread::get_id());
  EXPECT_TRUE(may_block);
  EXPECT_TRUE(signals_blocked);
  sigset_t mask{};
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

// Opens once; jobs wait for it.
struct Gate {
  std::promise<void> opener;
  std::shared_future<void> open{opener.get_future()};
  std::promise<void> entry;
  void pass() {
    entry.set_value();
    open.wait();
  }
};

Task<void> pass_gate(BlockingPool& pool, Gate& gate, std::string& finished, Tally& tally) {
  const Local local(tally);
  std::string own = "finished"; // the job refers to a local of the coroutine
  auto job = [&] {
    gate.pass();
    for (int i = 0; i < 1000; ++i)
      std::this_thread::yield();
    finished = own;
    return true;
  };
  static_cast<void>(co_await pool.run(std::move(job)));
  ADD_FAILURE() << "a cancelled coroutine was resumed";
}

Task<void> never_begins(BlockingPool& pool, Tally& tally) {
  const Local local(tally);
  auto job = [] {
    ADD_FAILURE() << "a job taken out of the queue has run";
    return true;
  };
  static_cast<void>(co_await pool.run(std::move(job)));
}

TEST_F(BlockingPoolTest, cancelling_takes_a_queued_job_out) {
  Gate gate;
  std::string finished;
  BlockingPool pool(loop_, 1, "serial");
  pool.run_detached([&gate] { gate.pass(); });
  gate.entry.get_future().wait();
  {
    TaskSet tasks(loop_);
    tasks.spawn(never_begins(pool, tally_));
    EXPECT_EQ(pool.backlog(), 2U);
  }
  EXPECT_EQ(pool.backlog(), 1U);
  EXPECT_EQ(tally_.alive(), 0);
  gate.opener.set_value();
}

TEST_F(BlockingPoolTest, cancelling_waits_for_a_job_that_runs) {
  Gate gate;
  std::string finished;
  BlockingPool pool(loop_, 1, "serial");
  auto tasks = std::make_unique<TaskSet>(loop_);
  tasks->spawn(pass_gate(pool, gate, finished, tally_));
  gate.entry.get_future().wait();
  std::promise<void> cancelling;
  const std::jthread opener([&gate, begun = cancelling.get_future()]() mutable {
    begun.wait();
    gate.opener.set_value();
  });
  cancelling.set_value();
  tasks.reset();
  EXPECT_EQ(finished, "finished");
  EXPECT_EQ(tally_.alive(), 0);
  loop_.run_ready(); // the posted completion finds nobody
}

Task<void> finish_job(BlockingPool& pool, bool& resumed) {
  auto job = [] { return true; };
  resumed = co_await pool.run(std::move(job));
}

TEST_F(BlockingPoolTest, cancelling_between_the_end_of_a_job_and_its_wake_up) {
  bool resumed = false;
  auto tasks = std::make_unique<TaskSet>(loop_);
  {
    Gate gate; // outlives the pool, whose thread may still be in it
    BlockingPool pool(loop_, 1, "serial");
    tasks->spawn(finish_job(pool, resumed));
    gate.opener.set_value();
    pool.run_detached([&gate] { gate.pass(); });
    gate.entry.get_future().wait(); // the job before it is done
    tasks.reset();
  }
  loop_.run_ready();
  EXPECT_FALSE(resumed);
}

TEST_F(BlockingPoolTest, detached_jobs_run_when_the_pool_goes) {
  std::atomic<int> runs = 0;
  {
    BlockingPool pool(loop_, 2, "several");
    for (int i = 0; i < 100; ++i)
      pool.run_detached([&runs] { ++runs; });
    pool.run_detached([&pool, &runs] { pool.run_detached([&runs] { ++runs; }); });
  }
  EXPECT_EQ(runs, 101);
}

TEST_F(BlockingPoolTest, a_loop_may_go_with_completions_posted) {
  const SystemClock clock;
  bool resumed = false;
  {
    Loop loop(clock);
    TaskSet tasks(loop);
    BlockingPool pool(loop, 1, "serial");
    tasks.spawn(finish_job(pool, resumed));
    tasks.cancel_all();
    pool.run_detached([] {});
  }
  EXPECT_FALSE(resumed);
}

Task<void> count_up(BlockingPool& pool, std::size_t& sum) {
  for (std::size_t i = 0; i < 50; ++i) {
    std::vector<std::size_t> numbers(16, i); // written by both threads in turn
    auto job = [&numbers] {
      for (std::size_t& number : numbers)
        ++number;
      return numbers.size();
    };
    const std::size_t size = co_await pool.run(std::move(job));
    for (const std::size_t number : numbers)
      sum += number;
    EXPECT_EQ(size, 16U);
  }
}

TEST_F(BlockingPoolTest, what_a_job_writes_its_awaiter_sees) {
  std::size_t sum = 0;
  BlockingPool pool(loop_, 4, "several");
  TaskSet tasks(loop_);
  for (int i = 0; i < 20; ++i)
    tasks.spawn(count_up(pool, sum));
  run_until_empty(tasks);
  EXPECT_EQ(sum, 20U * 16U * (50U * 51U / 2U));
}

} // namespace
} // namespace mailmoor::runtime
