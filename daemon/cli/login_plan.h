// Which mailboxes a login is about. Pure.
#pragma once

#include "model/fleet_status.h"

#include <string>
#include <vector>

namespace mailmoor::cli {

// One sign-in, and the mailboxes that it opens.
struct LoginGroup {
  std::string mailbox;             // the one that the daemon is asked for
  std::vector<std::string> others; // that share its token
};

// Those of `fleet` that need a login.
[[nodiscard]] std::vector<std::string> pending_mailboxes(const FleetStatus& fleet);
// The named ones by their token, in the order in which they are named. Names that `fleet` does not know stand alone:
// the daemon says what is wrong with them.
[[nodiscard]] std::vector<LoginGroup> group_by_token(const FleetStatus& fleet, const std::vector<std::string>& names);

} // namespace mailmoor::cli
