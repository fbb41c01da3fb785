// Who is at the other end of a Unix socket, and whether that user may give orders.
#pragma once

#include "util/result.h"

#include <sys/types.h>

#include <optional>
#include <vector>

namespace mailmoor::control {

// As of connect(2), by the kernel's word (SO_PEERCRED, SO_PEERGROUPS; unix(7)): no look-up in a user database, which
// could block the loop for as long as a directory server takes.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups{}; // supplementary
};

[[nodiscard]] Result<Peer> peer_of(int socket);

// Root, the daemon's own user, and the members of one group.
struct AccessPolicy {
  uid_t owner = 0;
  std::optional<gid_t> group{};

  [[nodiscard]] bool allows(const Peer& peer) const noexcept;
};

// The policy for this process and the group `name`, if there is such a group.
[[nodiscard]] AccessPolicy access_policy_blocking(const std::string& group_name);

} // namespace mailmoor::control
