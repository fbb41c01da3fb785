// The JSON of the control API, both ways: the daemon writes it, mailmoorctl reads it. Pure functions, any thread.
// Times are RFC 3339 UTC or null. Readers ignore unknown members and refuse wrong types.
#pragma once

#include "supervisor/operations.h"
#include "util/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::control {

struct Versions {
  std::string daemon{};
  std::vector<std::pair<std::string, std::string>> parts{};
};

// Text that is not valid UTF-8 is written with U+FFFD in the place of the wrong bytes.
[[nodiscard]] std::string to_json(const supervisor::FleetStatus& status);
[[nodiscard]] std::string to_json(const supervisor::MailboxStatus& status);
[[nodiscard]] std::string to_json(const std::vector<supervisor::FolderStatus>& folders); // {"folders":[…]}
[[nodiscard]] std::string to_json(const supervisor::LoginEvent& event);                  // one line, no line end
[[nodiscard]] std::string to_json(const supervisor::ReloadReport& report);
[[nodiscard]] std::string to_json(const Versions& versions);

// Errors are kBug, code "bad_reply".
[[nodiscard]] Result<supervisor::FleetStatus> fleet_status_from_json(std::string_view json);
[[nodiscard]] Result<supervisor::MailboxStatus> mailbox_status_from_json(std::string_view json);
[[nodiscard]] Result<std::vector<supervisor::FolderStatus>> folders_from_json(std::string_view json);
[[nodiscard]] Result<supervisor::LoginEvent> login_event_from_json(std::string_view json);
[[nodiscard]] Result<supervisor::ReloadReport> reload_report_from_json(std::string_view json);
[[nodiscard]] Result<Versions> versions_from_json(std::string_view json);

} // namespace mailmoor::control
