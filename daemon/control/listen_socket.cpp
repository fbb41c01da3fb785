#include "control/listen_socket.h"

#include "util/concat.h"
#include "util/may_block.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mailmoor::control {

namespace {

constexpr int kBacklog = 64;

std::unexpected<Error> failed(const std::string& path, std::string_view call, int error_number) {
  return fail(ErrorKind::kOperator, "control_socket_failed",
              concat("cannot make the control socket ", path, ": ", call, ": ", errno_text(error_number)),
              "see that runtime_dir exists and belongs to the daemon's user");
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(ErrorKind::kOperator, "control_socket_failed",
                concat("the path of the control socket has ", path.size(), " bytes: ", path),
                concat("choose a runtime_dir that keeps it below ", sizeof address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) noexcept {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Takes away the file of a daemon that is gone.
Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? Status() : failed(path, "lstat", errno);
  if (!S_ISSOCK(status.st_mode))
    return fail(ErrorKind::kOperator, "control_socket_failed", concat(path, " is there and is no socket"),
                "move it away, or choose another runtime_dir");
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.is_open()) return failed(path, "socket", errno);
  const bool is_answered = ::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN;
  if (is_answered)
    return fail(ErrorKind::kOperator, "control_socket_in_use", concat("another mailmoord answers on ", path),
                "stop it first, or give this one another runtime_dir and state_dir");
  if (errno != ECONNREFUSED) return failed(path, "connect", errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, "unlink", errno);
  return {};
}

Status make_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string directory = path.substr(0, slash);
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return failed(path, concat("mkdir ", directory), errno);
  return {};
}

} // namespace

Result<ListenSocket> ListenSocket::create_blocking(const std::string& path, std::optional<gid_t> group) {
  assert_may_block();
  const auto address = address_of(path);
  if (!address) return pass(address.error());
  if (auto made = make_directory(path); !made) return pass(std::move(made).error());
  if (auto removed = remove_stale(path, *address); !removed) return pass(std::move(removed).error());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return failed(path, "socket", errno);
  // bind(2) gives the file the mode of the descriptor: nobody else can connect before the group is set.
  if (::fchmod(socket.get(), 0600) != 0) return failed(path, "fchmod", errno);
  if (::bind(socket.get(), generic(*address), sizeof *address) != 0) return failed(path, "bind", errno);
  ListenSocket made(std::move(socket), path);
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return failed(path, "lstat", errno);
  made.device_ = status.st_dev;
  made.inode_ = status.st_ino;
  // A daemon that is not in the group may not give the file to it: then its own user and root remain.
  if (group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 && errno != EPERM)
    return failed(path, "lchown", errno);
  if (::chmod(path.c_str(), 0660) != 0) return failed(path, "chmod", errno);
  if (::listen(made.socket_.get(), kBacklog) != 0) return failed(path, "listen", errno);
  return made;
}

Result<ListenSocket> ListenSocket::adopt(UniqueFd socket) {
  int is_listening = 0;
  int domain = 0;
  socklen_t size = sizeof is_listening;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0 || is_listening == 0 ||
      ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX)
    return fail(ErrorKind::kOperator, "control_socket_failed", "the socket handed over is no listening Unix socket",
                "use ListenStream= with a path in mailmoor.socket");
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0)
    return failed("handed over", "fcntl", errno);
  return ListenSocket(std::move(socket), {});
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : socket_(std::move(other.socket_)), path_(std::exchange(other.path_, {})), device_(other.device_),
      inode_(other.inode_) {}

ListenSocket::~ListenSocket() {
  if (path_.empty()) return;
  struct stat status{};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
    ::unlink(path_.c_str());
}

} // namespace mailmoor::control
