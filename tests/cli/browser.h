// A browser that comes back: one HTTP request to loopback, in the steps of a listener that has no thread.
#pragma once

#include "cli/redirect_listener.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmoor::cli {

class Browser final {
 public:
  explicit Browser(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    is_connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  [[nodiscard]] bool is_connected() const noexcept { return is_connected_; }
  void send(std::string_view bytes) const { ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void open(std::string_view target, std::string_view method = "GET") const {
    send(concat(method, ' ', target, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  }
  // What has come so far; the end of the connection is noted.
  const std::string& received() {
    char buffer[4096];
    while (!is_ended_) {
      const ssize_t size = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (size < 0) break;
      is_ended_ = size == 0;
      received_.append(buffer, static_cast<std::size_t>(size));
    }
    return received_;
  }
  [[nodiscard]] bool is_ended() {
    static_cast<void>(received());
    return is_ended_;
  }

 private:
  UniqueFd socket_;
  bool is_connected_ = false;
  bool is_ended_ = false;
  std::string received_;
};

} // namespace mailmoor::cli
