// Opens connections: libcurl resolves the name, races both address families and walks through proxies; the socket is
// then taken over. Loop thread only.
#pragma once

#include "net/curl_multi.h"
#include "net/tcp_stream.h"
#include "runtime/task.h"
#include "util/result.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace mailmoor::net {

struct DialTarget {
  std::string host; // name or address, without brackets
  std::uint16_t port = 0;
  std::string proxy; // "http://…", "socks5h://…", or empty: none, whatever the environment says
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30); // all addresses and the proxy included
};

class Dialer final {
 public:
  Dialer(runtime::Loop& loop, CurlMulti& multi) noexcept : loop_(loop), multi_(multi) {}

  // A connected plain stream with keep-alive on. Errors: kHost "dns_failed", "connect_failed", "connect_timeout",
  // "proxy_failed".
  [[nodiscard]] runtime::Task<Result<std::unique_ptr<TcpStream>>> dial(DialTarget target);

 private:
  runtime::Loop& loop_;
  CurlMulti& multi_;
};

} // namespace mailmoor::net
