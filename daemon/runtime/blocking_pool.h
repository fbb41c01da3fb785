// Threads for what blocks: file writes, fsync, directory scans, SQL. Jobs run in the order in which they were given;
// with one thread that makes a serial executor (the store).
#pragma once

#include "runtime/loop.h"

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace mailmoor::runtime {

class BlockingPool final {
 public:
  // `name`: at most 15 bytes, shown by ps -L. Loop thread.
  BlockingPool(Loop& loop, std::size_t threads, std::string name);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  ~BlockingPool(); // runs what is queued, then joins

  template<class Function>
  class [[nodiscard]] Run;

  //   auto job = [folder, bytes] { return write_blocking(folder, bytes); };
  //   auto written = co_await pool.run(std::move(job));
  // The job may refer to what the awaiting coroutine owns: cancelling takes it out of the queue when it has not begun,
  // and waits for its end when it has. Exceptions must not leave the job.
  template<class Function>
  [[nodiscard]] auto run(Function job) {
    return Run<Function>(*this, std::move(job));
  }
  // Runs the job whatever becomes of the caller; nobody is told. It is destroyed by the thread that ran it.
  void run_detached(std::function<void()> job);

  // How many jobs wait or run. Loop thread or any other.
  [[nodiscard]] std::size_t backlog() const;

 private:
  struct Job {
    std::function<void()> function;
    enum class State { kQueued, kRunning, kDone } state = State::kQueued; // guarded by mutex_
    Wakeup* waiter = nullptr;                                             // loop thread only
    bool is_detached = false;                                             // never changed
  };
  // shared_ptr: the queue (a pool thread) and the awaiting coroutine both hold a job.
  using SharedJob = std::shared_ptr<Job>;

  void submit(const SharedJob& job);
  void abandon(const SharedJob& job);
  void work();

  Loop& loop_;
  mutable std::mutex mutex_;
  std::condition_variable available_;
  std::condition_variable finished_;
  std::deque<SharedJob> queue_;
  std::size_t running_ = 0;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

template<class Function>
class [[nodiscard]] BlockingPool::Run final {
 public:
  Run(BlockingPool& pool, Function function)
      : pool_(pool), function_(std::move(function)), job_(std::make_shared<Job>()) {
    job_->function = [this] { result_.emplace(function_()); };
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    if (submitted_) pool_.abandon(job_);
  }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    wakeup_.set_coroutine(handle);
    job_->waiter = &wakeup_;
    submitted_ = true;
    pool_.submit(job_);
  }
  [[nodiscard]] auto await_resume() {
    submitted_ = false;
    return *std::move(result_);
  }

 private:
  BlockingPool& pool_;
  Function function_; // destroyed here, on the loop thread: what it holds may refer to the awaiting coroutine's locals
  SharedJob job_;
  std::optional<std::invoke_result_t<Function&>> result_; // written by the pool thread before the wake-up is posted
  bool submitted_ = false;
  Wakeup wakeup_;
};

} // namespace mailmoor::runtime
