// The JSON of the control API, both ways: the daemon writes it, mailmoorctl reads it. Pure functions, any thread.
// Times are RFC 3339 UTC or null. Readers ignore unknown members and refuse wrong types.
#pragma once

#include "model/check_result.h"
#include "model/fleet_status.h"
#include "model/key_rotation.h"
#include "model/verification.h"
#include "util/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::control {

struct Versions {
  std::string daemon{};
  std::vector<std::pair<std::string, std::string>> parts{};
};

// "device", "browser", "paste"; empty for kAny.
[[nodiscard]] std::string_view login_flow_name(LoginFlow flow);
// kAny for nothing; empty for a word that is none.
[[nodiscard]] std::optional<LoginFlow> login_flow_from_name(std::string_view name);
// One line of an examination: a check, or the end.
struct ExaminationLine {
  enum class Kind { kCheck, kFinished, kFailed }; // kFailed: broken off; `found` says why
  Kind kind = Kind::kFailed;
  CheckResult result{};
};
// One line of a verification: what is being done, a folder that is done, or the end.
struct VerificationLine {
  enum class Kind { kProgress, kFolder, kFinished, kFailed }; // kFailed: broken off
  Kind kind = Kind::kFailed;
  std::string mailbox{};
  VerifyProgress progress{};
  FolderFindings findings{};
  VerifySummary summary{};
  std::string error{}; // kFailed, like the next two
  std::string remedy{};
  std::string code{}; // of the Error
};
// "ok", "warn", "fail", "skipped".
[[nodiscard]] std::string_view outcome_name(CheckResult::Outcome outcome) noexcept;

// Text that is not valid UTF-8 is written with U+FFFD in the place of the wrong bytes.
[[nodiscard]] std::string to_json(const FleetStatus& status);
[[nodiscard]] std::string to_json(const MailboxStatus& status);
[[nodiscard]] std::string to_json(const std::vector<FolderStatus>& folders); // {"folders":[…]}
[[nodiscard]] std::string to_json(const LoginEvent& event);                  // one line, no line end
[[nodiscard]] std::string to_json(const ExaminationLine& line);              // one line, no line end
[[nodiscard]] std::string to_json(const VerificationLine& line);             // one line, no line end
[[nodiscard]] std::string to_json(const ReloadReport& report);
[[nodiscard]] std::string to_json(const KeyRotation& rotation);
[[nodiscard]] std::string to_json(const Versions& versions);

// Errors are kBug, code "bad_reply".
[[nodiscard]] Result<FleetStatus> fleet_status_from_json(std::string_view json);
[[nodiscard]] Result<MailboxStatus> mailbox_status_from_json(std::string_view json);
[[nodiscard]] Result<std::vector<FolderStatus>> folders_from_json(std::string_view json);
[[nodiscard]] Result<LoginEvent> login_event_from_json(std::string_view json);
[[nodiscard]] Result<ExaminationLine> examination_line_from_json(std::string_view json);
[[nodiscard]] Result<VerificationLine> verification_line_from_json(std::string_view json);
[[nodiscard]] Result<ReloadReport> reload_report_from_json(std::string_view json);
[[nodiscard]] Result<KeyRotation> key_rotation_from_json(std::string_view json);
[[nodiscard]] Result<Versions> versions_from_json(std::string_view json);

} // namespace mailmoor::control
