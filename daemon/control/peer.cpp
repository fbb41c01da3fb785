#include "control/peer.h"

#include "util/concat.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mailmoor::control {

namespace {

// A user is in at most NGROUPS_MAX groups, 65536 on Linux.
constexpr std::size_t kUsualGroups = 64;

std::optional<std::vector<gid_t>> groups_of(int socket) {
  std::vector<gid_t> groups(kUsualGroups);
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int outcome = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    groups.resize(size / sizeof(gid_t)); // ERANGE says how much it needs
    if (outcome == 0) return groups;
    if (errno != ERANGE) return std::nullopt;
  }
  return std::nullopt;
}

} // namespace

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail(ErrorKind::kBug, "no_peer_credentials", concat("SO_PEERCRED: ", errno_text(errno)));
  auto groups = groups_of(socket);
  if (!groups) return fail(ErrorKind::kBug, "no_peer_credentials", concat("SO_PEERGROUPS: ", errno_text(errno)));
  return Peer{credentials.pid, credentials.uid, credentials.gid, std::move(*groups)};
}

bool AccessPolicy::allows(const Peer& peer) const noexcept {
  if (peer.uid == 0 || peer.uid == owner) return true;
  return group && (peer.gid == *group || std::ranges::find(peer.groups, *group) != peer.groups.end());
}

AccessPolicy access_policy_blocking(const std::string& group_name) {
  AccessPolicy policy{.owner = ::geteuid()};
  std::vector<char> buffer(1 << 16);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(group_name.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    policy.group = entry.gr_gid;
  return policy;
}

} // namespace mailmoor::control
