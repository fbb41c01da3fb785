#include "net/tcp_stream.h"

#include "runtime/wait.h"
#include "util/concat.h"

#include <arpa/inet.h>
#include <cassert>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <utility>

namespace mailmoor::net {
namespace {

[[nodiscard]] Error broken(const std::string& peer, int error_number) {
  return {ErrorKind::kHost, "connection_lost", concat("connection to ", peer, " broke: ", errno_text(error_number))};
}

} // namespace

TcpStream::TcpStream(runtime::Loop& loop, UniqueFd socket, std::string peer,
                     std::optional<std::chrono::microseconds> round_trip)
    : loop_(loop), socket_(std::move(socket)), watcher_(loop, socket_.get()), peer_(std::move(peer)),
      round_trip_(round_trip) {}

std::string TcpStream::peer_address() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = {};
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  const void* const bytes = address.ss_family == AF_INET6
                                ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
                                : &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  return ::inet_ntop(address.ss_family, bytes, text, sizeof text) != nullptr ? text : "";
}

runtime::Task<Result<std::size_t>> TcpStream::read_some(std::span<std::byte> into) {
  assert(!into.empty());
  if (++reads_in_a_row_ > kReadsInARow) {
    reads_in_a_row_ = 0;
    co_await runtime::yield_to_loop(loop_);
  }
  while (true) {
    const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), 0);
    if (count >= 0) co_return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return std::unexpected(broken(peer_, errno));
    reads_in_a_row_ = 0;
    co_await watcher_.readable();
  }
}

runtime::Task<Status> TcpStream::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return std::unexpected(broken(peer_, errno));
    co_await watcher_.writable();
  }
  co_return Status();
}

} // namespace mailmoor::net
