// Whether the threads that may block still come back: a no-op goes through each of them every few seconds.
// Loop thread only.
#pragma once

#include "runtime/blocking_pool.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "runtime/wait.h"

namespace mailmoor::supervisor {

class Pulse final {
 public:
  Pulse(runtime::Loop& loop, runtime::BlockingPool& pool) : loop_(loop), pool_(pool), last_(loop.now()) {}

  void start() {
    beat_.start(beat(), [] {});
  }
  // A slow disk may keep a thread for long; two minutes without an answer is no slow disk any more.
  [[nodiscard]] bool is_alive() const noexcept { return loop_.now() - last_ < std::chrono::minutes(2); }

 private:
  [[nodiscard]] runtime::Task<void> beat() {
    while (true) {
      auto job = [] { return true; };
      static_cast<void>(co_await pool_.run(std::move(job)));
      last_ = loop_.now();
      co_await runtime::sleep_for(loop_, std::chrono::seconds(5));
    }
  }

  runtime::Loop& loop_;
  runtime::BlockingPool& pool_;
  runtime::MonoTime last_;
  runtime::TaskRunner<void> beat_;
};

} // namespace mailmoor::supervisor
