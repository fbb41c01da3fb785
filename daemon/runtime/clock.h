// Time, injected. MonoTime counts time asleep too (CLOCK_BOOTTIME), so that a suspended machine finds its timers due.
#pragma once

#include <algorithm>
#include <chrono>

namespace mailmoor::runtime {

struct BootClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using MonoTime = BootClock::time_point;
using Duration = BootClock::duration;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>; // UTC

// `delay` from `time`. "For ever" stays for ever; a negative delay counts as none.
[[nodiscard]] constexpr MonoTime later(MonoTime time, Duration delay) noexcept {
  return time + std::clamp(delay, Duration::zero(), MonoTime::max() - std::max(time, MonoTime()));
}

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonoTime now() const noexcept = 0;
  [[nodiscard]] virtual WallTime wall_now() const noexcept = 0;
  // How much of now() the machine was suspended for. Only differences count, and those to a few microseconds.
  [[nodiscard]] virtual Duration asleep() const noexcept = 0;
  // Whether time passes by itself. If not, the loop waits for advance() instead of the kernel's timer.
  [[nodiscard]] virtual bool is_real() const noexcept { return true; }
};

// The machine's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonoTime now() const noexcept override;
  [[nodiscard]] WallTime wall_now() const noexcept override;
  [[nodiscard]] Duration asleep() const noexcept override;
};

// A clock for tests: stands still until moved. Both clocks move together unless jump_wall() is used; nobody slept
// unless suspend() is.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime wall = WallTime(std::chrono::seconds(1'700'000'000))) : wall_(wall) {}
  [[nodiscard]] MonoTime now() const noexcept override { return now_; }
  [[nodiscard]] WallTime wall_now() const noexcept override { return wall_; }
  [[nodiscard]] Duration asleep() const noexcept override { return asleep_; }
  [[nodiscard]] bool is_real() const noexcept override { return false; }
  void advance(Duration by) noexcept {
    now_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::milliseconds>(by);
  }
  void suspend(Duration length) noexcept {
    advance(length);
    asleep_ += length;
  }
  void jump_wall(std::chrono::milliseconds by) noexcept { wall_ += by; }

 private:
  MonoTime now_{};
  Duration asleep_{};
  WallTime wall_;
};

} // namespace mailmoor::runtime
