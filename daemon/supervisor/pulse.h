// Whether the threads that may block still come back: a no-op goes through each of them every few seconds.
// Loop thread only.
#pragma once

#include "runtime/blocking_pool.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "runtime/wait.h"

#include <optional>

namespace mailmoor::supervisor {

class Pulse final {
 public:
  Pulse(runtime::Loop& loop, runtime::BlockingPool& pool) : loop_(loop), pool_(pool) {}

  void start() {
    beat_.start(beat(), [] {});
  }
  // A slow disk may keep a thread for long; two minutes without an answer is no slow disk any more. Between two beats
  // it is alive, however long the machine has slept.
  [[nodiscard]] bool is_alive() const noexcept {
    return !asked_at_ || loop_.now() - *asked_at_ < std::chrono::minutes(2);
  }

 private:
  [[nodiscard]] runtime::Task<void> beat() {
    while (true) {
      asked_at_ = loop_.now();
      auto job = [] { return true; };
      static_cast<void>(co_await pool_.run(std::move(job)));
      asked_at_.reset();
      co_await runtime::sleep_for(loop_, std::chrono::seconds(5));
    }
  }

  runtime::Loop& loop_;
  runtime::BlockingPool& pool_;
  std::optional<runtime::MonoTime> asked_at_; // the beat that is under way
  runtime::TaskRunner<void> beat_;
};

} // namespace mailmoor::supervisor
