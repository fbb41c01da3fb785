// Spreads logins: never more than limits.logins_per_minute in any minute, evenly, with a small burst so that a few
// mailboxes start at once. Loop thread only.
#pragma once

#include "runtime/loop.h"
#include "runtime/task.h"
#include "runtime/wait.h"
#include "util/scope_exit.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

namespace mailmoor::supervisor {

class LoginPace final {
 public:
  LoginPace(runtime::Loop& loop, int per_minute)
      : loop_(loop), last_(loop.now() - std::chrono::hours(1)), turn_(loop, 1) {
    set_rate(per_minute);
  }

  // REQUIRES: per_minute ≥ 1
  void set_rate(int per_minute) {
    per_minute_ = static_cast<std::size_t>(per_minute);
    gap_ = kWindow / per_minute;
    burst_size_ = std::clamp(per_minute / 6, 1, 20); // ten seconds' worth
  }
  // Called whenever a turn has come, so that the next one may be asked to stand in line. Marks and schedules only.
  void on_turn(std::function<void()> function) { on_turn_ = std::move(function); }

  // Waits for the caller's turn, first come, first served. Who gives up while waiting costs the others nothing.
  [[nodiscard]] runtime::Task<void> admit() {
    ++waiting_;
    const ScopeExit leave([this] { --waiting_; });
    const runtime::Semaphore::Permit turn = co_await turn_.acquire();
    const runtime::MonoTime due = next_turn();
    if (due > loop_.now()) co_await runtime::sleep_until(loop_, due);
    last_ = due;
    // When it really came: a machine that slept meanwhile comes back later.
    turns_.push_back(loop_.now());
    if (on_turn_) on_turn_();
  }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] std::size_t burst() const noexcept { return static_cast<std::size_t>(burst_size_); }

 private:
  // A minute with both its ends, and a second: the server counts logins as they reach it, and some are longer on their
  // way than others.
  static constexpr runtime::Duration kWindow = std::chrono::seconds(61);

  [[nodiscard]] runtime::MonoTime next_turn() {
    const runtime::MonoTime now = loop_.now();
    while (!turns_.empty() && turns_.front() + kWindow <= now)
      turns_.pop_front();
    const runtime::MonoTime due = std::max(last_ + gap_, now - gap_ * burst_size_ + gap_);
    // The burst and a window at the full rate would be more than the rate.
    if (turns_.size() < per_minute_) return due;
    return std::max(due, turns_[turns_.size() - per_minute_] + kWindow);
  }

  runtime::Loop& loop_;
  std::size_t per_minute_ = 1;
  runtime::Duration gap_{};
  int burst_size_ = 1;
  runtime::MonoTime last_;              // when the last one was due; at first longer ago than any burst
  std::deque<runtime::MonoTime> turns_; // of the last window
  std::size_t waiting_ = 0;             // for their turn
  std::function<void()> on_turn_;
  runtime::Semaphore turn_;
};

} // namespace mailmoor::supervisor
