#include "cli/exit_code.h"

#include <algorithm>
#include <array>

namespace mailmoor::cli {

Exit exit_for(const control::Problem& problem) {
  if (problem.code == kNoDaemonCode) return Exit::kNoDaemon;
  if (problem.code == "configuration_rejected") return Exit::kUsage;
  if (problem.code == "needs_login") return Exit::kNeedsLogin;
  return Exit::kFailed;
}

Exit worse(Exit a, Exit b) {
  constexpr std::array kFromBad = {Exit::kNoDaemon, Exit::kUsage, Exit::kFailed, Exit::kNeedsLogin, Exit::kDone};
  return *std::ranges::find_if(kFromBad, [a, b](Exit exit) { return exit == a || exit == b; });
}

} // namespace mailmoor::cli
