// What systemd is told (sd_notify(3)). Does nothing when systemd did not start us. Loop thread only.
#pragma once

#include "util/unique_fd.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::supervisor {

class Notifier final {
 public:
  Notifier();

  void ready(const std::string& status);
  void reloading();
  void stopping();
  void status(const std::string& text); // told only when it has changed
  void watchdog();
  // How often watchdog() is expected at the least; empty when systemd does not watch.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const noexcept { return interval_; }

 private:
  enum class Patience {
    kNone,  // said again soon: dropped when the receiver is behind
    kShort, // at most 0.2 s
  };
  bool send(std::string_view message, Patience patience) const;

  UniqueFd socket_;
  std::optional<std::chrono::microseconds> interval_;
  std::string last_status_;
};

} // namespace mailmoor::supervisor
