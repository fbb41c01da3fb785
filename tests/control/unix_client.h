// A client that says exactly what the test wants, one byte at a time if need be, and never blocks.
#pragma once

#include "util/concat.h"
#include "util/unique_fd.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>
#include <string_view>

namespace mailmoor::control {

class UnixClient final {
 public:
  explicit UnixClient(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  [[nodiscard]] bool is_connected() const { return connected_; }
  // How much the socket took.
  std::size_t send(std::string_view bytes) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  void request(std::string_view method, std::string_view target, std::string_view body = {}) {
    send(concat(method, ' ', target, " HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  }
  void close() { socket_.reset(); }

  // Everything received so far.
  const std::string& received() {
    char buffer[4096];
    while (socket_.is_open()) {
      const ssize_t size = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (size == 0) ended_ = true;
      if (size <= 0) break;
      received_.append(buffer, static_cast<std::size_t>(size));
    }
    return received_;
  }
  [[nodiscard]] bool has(std::string_view text) { return received().find(text) != std::string::npos; }
  [[nodiscard]] bool is_ended() {
    received();
    return ended_;
  }
  // A whole answer with Content-Length is there.
  [[nodiscard]] bool has_answer() {
    const std::string& all = received();
    const auto head = all.find("\r\n\r\n");
    const auto length = all.find("Content-Length: ");
    if (head == std::string::npos || length == std::string::npos || length > head) return false;
    return all.size() >= head + 4 + std::stoul(all.substr(length + 16));
  }
  // The status of the (first) answer, 0 while there is none.
  [[nodiscard]] int status() {
    const std::string& all = received();
    return all.starts_with("HTTP/1.1 ") ? std::stoi(all.substr(9, 3)) : 0;
  }
  [[nodiscard]] std::string body() {
    const auto head = received().find("\r\n\r\n");
    return head == std::string::npos ? std::string() : received_.substr(head + 4);
  }

 private:
  UniqueFd socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string received_;
};

} // namespace mailmoor::control
