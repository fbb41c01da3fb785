// Spreads logins: limits.logins_per_minute, with a small burst so that a few mailboxes start at once. Loop thread only.
#pragma once

#include "runtime/loop.h"
#include "runtime/task.h"
#include "runtime/wait.h"

#include <algorithm>

namespace mailmoor::supervisor {

class LoginPace final {
 public:
  LoginPace(runtime::Loop& loop, int per_minute)
      : loop_(loop), last_(loop.now() - std::chrono::hours(1)), turn_(loop, 1) {
    set_rate(per_minute);
  }

  // REQUIRES: per_minute ≥ 1
  void set_rate(int per_minute) {
    gap_ = std::chrono::duration_cast<runtime::Duration>(std::chrono::minutes(1)) / per_minute;
    burst_ = gap_ * std::clamp(per_minute / 6, 1, 20); // ten seconds' worth
  }

  // Waits for the caller's turn, first come, first served. Who gives up while waiting costs the others nothing.
  [[nodiscard]] runtime::Task<void> admit() {
    const runtime::Semaphore::Permit turn = co_await turn_.acquire();
    const runtime::MonoTime now = loop_.now();
    const runtime::MonoTime due = std::max(last_ + gap_, now - burst_ + gap_);
    if (due > now) co_await runtime::sleep_until(loop_, due);
    last_ = due;
  }

 private:
  runtime::Loop& loop_;
  runtime::Duration gap_{};
  runtime::Duration burst_{};
  runtime::MonoTime last_; // when the last one was due; at first longer ago than any burst
  runtime::Semaphore turn_;
};

} // namespace mailmoor::supervisor
