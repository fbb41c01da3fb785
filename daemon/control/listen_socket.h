// The socket file on which the daemon listens. Blocking calls: before the loop runs.
#pragma once

#include "util/result.h"
#include "util/unique_fd.h"

#include <sys/types.h>

#include <optional>
#include <string>

namespace mailmoor::control {

// A listening, non-blocking Unix socket and its file, which is removed when this goes (if it is still ours).
class ListenSocket final {
 public:
  // Makes `path` with mode 0660, owned by `group` where given and permitted, and its directory when only that one is
  // missing. A file left by a daemon that died is replaced; one that answers is not: kOperator "control_socket_in_use".
  // Else kOperator "control_socket_failed".
  [[nodiscard]] static Result<ListenSocket> create_blocking(const std::string& path, std::optional<gid_t> group);
  // A socket that systemd made: checked, made non-blocking, and its file left alone.
  [[nodiscard]] static Result<ListenSocket> adopt(UniqueFd socket);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;
  ~ListenSocket();

  // The descriptor for accept(2); the caller closes it.
  [[nodiscard]] int release_descriptor() noexcept { return socket_.release(); }

 private:
  ListenSocket(UniqueFd socket, std::string path) : socket_(std::move(socket)), path_(std::move(path)) {}

  UniqueFd socket_;
  std::string path_; // empty: not ours to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

} // namespace mailmoor::control
