#include "runtime/clock.h"

#include <ctime>

namespace mailmoor::runtime {
namespace {

[[nodiscard]] std::chrono::microseconds read(clockid_t id) noexcept {
  timespec time{};
  clock_gettime(id, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_nsec / 1000);
}

} // namespace

MonoTime SystemClock::now() const noexcept {
  return MonoTime(read(CLOCK_BOOTTIME));
}

WallTime SystemClock::wall_now() const noexcept {
  return WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(read(CLOCK_REALTIME)));
}

// CLOCK_MONOTONIC stands still while the machine is suspended, CLOCK_BOOTTIME does not.
Duration SystemClock::asleep() const noexcept {
  return read(CLOCK_BOOTTIME) - read(CLOCK_MONOTONIC);
}

} // namespace mailmoor::runtime
