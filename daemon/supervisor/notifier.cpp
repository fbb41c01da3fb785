#include "supervisor/notifier.h"

#include "util/concat.h"

#include <cstdint>
#include <ctime>

#include <systemd/sd-daemon.h>

namespace mailmoor::supervisor {

Notifier::Notifier() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &microseconds) > 0)
    interval_ = std::chrono::microseconds(microseconds);
}

void Notifier::ready(const std::string& status) {
  last_status_ = status;
  sd_notify(0, concat("READY=1\nSTATUS=", status).c_str());
}

void Notifier::reloading() {
  // systemd wants the moment on CLOCK_MONOTONIC with Type=notify-reload (sd_notify(3)).
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  sd_notify(0, concat("RELOADING=1\nMONOTONIC_USEC=", microseconds).c_str());
}

void Notifier::stopping() {
  sd_notify(0, "STOPPING=1\nSTATUS=finishing what is in flight");
}

void Notifier::status(const std::string& text) {
  if (text == last_status_) return;
  last_status_ = text;
  sd_notify(0, concat("STATUS=", text).c_str());
}

void Notifier::watchdog() {
  sd_notify(0, "WATCHDOG=1");
}

} // namespace mailmoor::supervisor
