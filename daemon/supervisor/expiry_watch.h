// Says ahead of time that a client secret or a certificate ends: 30, 14 and 3 days before, and when it has. Each is
// said once, a restart in between included: state.db remembers. Owned by the fleet. Loop thread only.
#pragma once

#include "log/fault_log.h"
#include "mailbox/services.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "supervisor/prepared.h"
#include "util/time_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::supervisor {

struct Expiring {
  std::string app;
  std::string what; // "client_secret" or "certificate"
  UnixTime ends_at{};
};

// Of all apps that mailboxes use. A secret's end is what the configuration says of it.
[[nodiscard]] std::vector<Expiring> expiring_credentials(const Prepared& prepared);

// Recorded as numbers: never renumbered.
enum class ExpiryStage : std::uint8_t { kFar = 0, kMonth = 1, kFortnight = 2, kDays = 3, kOver = 4 };

[[nodiscard]] ExpiryStage expiry_stage(UnixTime ends_at, UnixTime now) noexcept;

class ExpiryWatch final {
 public:
  explicit ExpiryWatch(const mailbox::Services& services, log::FaultLog::Writer writer = log::write)
      : services_(services), writer_(std::move(writer)) {}

  // From now on these, and no others.
  void watch(std::vector<Expiring> expiring);

 private:
  struct Watched {
    Expiring expiring;
    ExpiryStage told = ExpiryStage::kFar;
  };

  [[nodiscard]] runtime::Task<void> run();
  void tell(Watched& watched);
  void remember(const Watched& watched);

  const mailbox::Services& services_;
  log::FaultLog::Writer writer_;
  std::vector<Watched> watched_;
  runtime::TaskRunner<void> runner_;
};

} // namespace mailmoor::supervisor
