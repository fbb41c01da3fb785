// What a monitoring system is told: numbers only, a snapshot. Plain values.
#pragma once

#include "model/mailbox_state.h"
#include "util/histogram.h"
#include "util/time_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor {

struct MailboxMetrics {
  std::string name;
  MailboxState state = MailboxState::kConnecting;
  std::optional<UnixTime> last_sync;
  std::optional<UnixTime> token_expires_at;
  std::optional<UnixTime> throttled_until; // inside a pause that the server imposed
  std::uint64_t behind = 0;
  std::uint64_t poison = 0;
  // Since the daemon's start.
  std::uint64_t delivered = 0;
  std::uint64_t octets = 0; // of message bodies
};

struct FleetMetrics {
  std::string version;
  std::vector<MailboxMetrics> mailboxes;
  std::uint64_t connections = 0;                             // open, or being opened
  std::vector<std::pair<std::string, std::uint64_t>> errors; // by kind, every kind once
  Histogram loop_lag;
};

} // namespace mailmoor
