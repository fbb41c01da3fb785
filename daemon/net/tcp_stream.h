// The plain stream: a connected, non-blocking socket.
#pragma once

#include "net/stream.h"
#include "runtime/fd_watcher.h"
#include "util/unique_fd.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace mailmoor::net {

class TcpStream final : public Stream {
 public:
  // `peer` is "host:port", for messages.
  TcpStream(runtime::Loop& loop, UniqueFd socket, std::string peer,
            std::optional<std::chrono::microseconds> round_trip = std::nullopt);

  [[nodiscard]] runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) override;
  [[nodiscard]] runtime::Task<Status> write_all(std::span<const std::byte> bytes) override;

  [[nodiscard]] runtime::Loop& loop() const noexcept { return loop_; }
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  [[nodiscard]] runtime::FdWatcher& watcher() noexcept { return watcher_; }
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  // The address at the other end, "192.0.2.1" or "2001:db8::1"; empty when the kernel does not know it any more.
  [[nodiscard]] std::string peer_address() const;
  // How long the peer took to answer when it was dialled; empty when nobody knows.
  [[nodiscard]] std::optional<std::chrono::microseconds> round_trip() const noexcept { return round_trip_; }

 private:
  runtime::Loop& loop_;
  UniqueFd socket_;
  runtime::FdWatcher watcher_; // goes before the socket is closed
  std::string peer_;
  std::optional<std::chrono::microseconds> round_trip_;
  int reads_in_a_row_ = 0;
};

} // namespace mailmoor::net
