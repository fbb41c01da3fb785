// The exit codes of mailmoorctl, as its man page has them.
#pragma once

#include "control/problem.h"

namespace mailmoor::cli {

enum class Exit : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,      // of the command line or the configuration
  kNeedsLogin = 3, // a login is needed before this can be done
  kNoDaemon = 4,   // the daemon does not answer
};

// Codes of problems that do not come from the daemon but from the way to it.
inline constexpr std::string_view kNoDaemonCode = "no_daemon";

[[nodiscard]] Exit exit_for(const control::Problem& problem);

// The more serious of two, for commands on several mailboxes: a failure hides a needed login, and so on.
[[nodiscard]] Exit worse(Exit a, Exit b);

} // namespace mailmoor::cli
