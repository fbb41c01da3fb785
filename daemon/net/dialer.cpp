#include "net/dialer.h"

#include "net/curl_error.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <utility>

namespace mailmoor::net {
namespace {

// A silent peer is noticed after 60 s + 4 × 15 s, under the time limits of reading and of IDLE.
void keep_alive(int socket) {
  const auto set = [socket](int level, int option, int value) {
    ::setsockopt(socket, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
}

// As the kernel has measured it since the handshake.
[[nodiscard]] std::optional<std::chrono::microseconds> round_trip_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_rtt == 0) return std::nullopt;
  return std::chrono::microseconds(info.tcpi_rtt);
}

[[nodiscard]] CurlEasy prepare(const DialTarget& target) {
  CurlEasy easy(curl_easy_init());
  if (!easy) return easy;
  CURL* const handle = easy.get();
  const bool is_ipv6 = target.host.find(':') != std::string::npos;
  const std::string url = concat("http://", is_ipv6 ? "[" : "", target.host, is_ipv6 ? "]" : "", ":", target.port);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(handle, CURLOPT_PROXY, target.proxy.c_str());
  curl_easy_setopt(handle, CURLOPT_NOPROXY, ""); // else $no_proxy speaks too
  curl_easy_setopt(handle, CURLOPT_HTTPPROXYTUNNEL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(target.connect_timeout.count()));
  return easy;
}

} // namespace

runtime::Task<Result<std::unique_ptr<TcpStream>>> Dialer::dial(DialTarget target) {
  const std::string peer = concat(target.host, ":", target.port);
  const CurlEasy easy = prepare(target);
  if (!easy) co_return fail(ErrorKind::kHost, "connect_failed", concat("cannot prepare a connection to ", peer));
  CurlMulti::Transfer transfer = multi_.perform(easy.get());
  const CURLcode code = co_await transfer;
  if (code != CURLE_OK)
    co_return std::unexpected(curl_error(transfer, code, concat("connecting to ", peer), !target.proxy.empty()));
  curl_socket_t theirs = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy.get(), CURLINFO_ACTIVESOCKET, &theirs);
  // libcurl closes its own descriptor with the transfer; the duplicate keeps the connection.
  UniqueFd socket(::fcntl(theirs, F_DUPFD_CLOEXEC, 0));
  if (!socket.is_open())
    co_return fail(ErrorKind::kHost, "connect_failed",
                   concat("cannot take over the connection to ", peer, ": ", errno_text(errno)));
  keep_alive(socket.get());
  const auto round_trip = round_trip_of(socket.get());
  co_return std::make_unique<TcpStream>(loop_, std::move(socket), peer, round_trip);
}

} // namespace mailmoor::net
