// The command line, understood.
#pragma once

#include "cli/console.h"
#include "cli/exit_code.h"
#include "model/fleet_status.h"
#include "model/verification.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::cli {

enum class Command : std::uint8_t {
  kCheck,
  kStatus,
  kLogin,
  kLogout,
  kPassword,
  kSync,
  kPause,
  kResume,
  kConfirm,
  kFolders,
  kDoctor,
  kVerify,
  kKeyInit,
  kKeyRotate,
  kReload,
  kVersion,
};

struct Invocation {
  Command command = Command::kStatus;
  std::string name{};   // as typed, e.g. "key rotate"
  std::string socket{}; // never empty
  bool json = false;
  std::vector<std::string> mailboxes{}; // as typed, in order
  std::string file{};                   // check, key init; key rotate: the configuration
  std::string from{};                   // key rotate: the file of the new key, "-" for standard input, or empty
  bool watch = false;                   // status
  bool all_pending = false;             // login
  LoginFlow flow = LoginFlow::kAny;     // login
  bool wait = false;                    // sync
  bool from_stdin = false;              // password
  VerifyRequest verify{};               // verify
};

// Prints help, version or what is wrong to `console` and returns the exit code when there is nothing more to do.
[[nodiscard]] std::expected<Invocation, Exit> parse_command_line(int argc, const char* const* argv,
                                                                 std::string_view version, Console& console);

// $RUNTIME_DIRECTORY/control.sock, else /run/mailmoor/control.sock
[[nodiscard]] std::string default_socket();

} // namespace mailmoor::cli
