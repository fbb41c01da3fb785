// An HTTP/1.1 server on loopback that answers as the test says. Lives on the test's own loop.
//
//   HttpServer server(world.loop);
//   server.answer = [](const HttpServer::Request& request) { return HttpServer::json(200, R"({"access_token":…})"); };
//   … server.url("/token") … server.requests …
#pragma once

#include "net/tcp_stream.h"
#include "runtime/fd_watcher.h"
#include "runtime/loop.h"
#include "runtime/task.h"
#include "runtime/task_set.h"
#include "runtime/wait.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <arpa/inet.h>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace mailmoor::testing {

// A listening socket on 127.0.0.1, any port.
class Listener final {
 public:
  // `port` 0: any that is free.
  explicit Listener(runtime::Loop& loop, std::uint16_t port = 0)
      : loop_(loop), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        watcher_(loop, socket_.get()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.get(), generic, size) != 0 || ::listen(socket_.get(), 256) != 0 ||
        ::getsockname(socket_.get(), generic, &size) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] runtime::Task<std::unique_ptr<net::TcpStream>> accept() {
    while (true) {
      UniqueFd peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (peer.is_open()) co_return std::make_unique<net::TcpStream>(loop_, std::move(peer), "client");
      co_await watcher_.readable();
    }
  }

 private:
  runtime::Loop& loop_;
  UniqueFd socket_;
  runtime::FdWatcher watcher_;
  std::uint16_t port_ = 0;
};

class HttpServer final {
 public:
  struct Request {
    std::string target; // "/token"
    std::string head;
    std::string body;
  };
  struct Reply {
    int status = 200;
    std::string body;
    std::string headers = {}; // complete lines, each with CRLF
    bool breaks_off = false;  // close without a word
  };
  [[nodiscard]] static Reply json(int status, std::string body, std::string headers = {}) {
    return {status, std::move(body), concat("Content-Type: application/json\r\n", headers)};
  }

  explicit HttpServer(runtime::Loop& loop) : listener_(loop), open_(loop), tasks_(loop) {
    open_.set();
    tasks_.spawn(serve());
  }

  std::function<Reply(const Request&)> answer = [](const Request&) { return json(404, "{}"); };
  std::vector<Request> requests;

  [[nodiscard]] std::string url(std::string_view path) const {
    return concat("http://127.0.0.1:", listener_.port(), path);
  }
  // Requests are taken, and answered only after release(). What the answer is, is asked when it is given.
  void hold() { open_.reset(); }
  void release() { open_.set(); }
  [[nodiscard]] std::size_t asked(std::string_view target) const {
    std::size_t count = 0;
    for (const Request& request : requests)
      if (request.target == target) ++count;
    return count;
  }

 private:
  [[nodiscard]] runtime::Task<void> serve() {
    while (true) {
      auto accepting = listener_.accept();
      std::unique_ptr<net::TcpStream> peer = co_await accepting;
      tasks_.spawn(converse(std::move(peer)));
    }
  }

  [[nodiscard]] runtime::Task<void> converse(std::unique_ptr<net::TcpStream> peer) {
    std::string received;
    while (true) {
      const std::size_t head_end = received.find("\r\n\r\n");
      const std::size_t size = head_end == std::string::npos ? 0 : head_end + 4 + body_size(received);
      if (head_end == std::string::npos || received.size() < size) {
        std::byte buffer[4096];
        auto reading = peer->read_some(buffer);
        const Result<std::size_t> count = co_await reading;
        if (!count || *count == 0) co_return;
        received.append(reinterpret_cast<const char*>(buffer), *count);
        continue;
      }
      Request request;
      request.target = received.substr(received.find(' ') + 1);
      request.target.resize(request.target.find(' '));
      request.head = received.substr(0, head_end);
      request.body = received.substr(head_end + 4, size - head_end - 4);
      received.erase(0, size);
      requests.push_back(request);
      co_await open_.wait_until(runtime::MonoTime::max());
      const Reply reply = answer(request);
      if (reply.breaks_off) co_return;
      const std::string text = concat("HTTP/1.1 ", reply.status, " Whatever\r\n", reply.headers,
                                      "Content-Length: ", reply.body.size(), "\r\n\r\n", reply.body);
      auto writing = peer->write_all(std::as_bytes(std::span(text)));
      const Status written = co_await writing;
      if (!written) co_return;
    }
  }

  [[nodiscard]] static std::size_t body_size(std::string_view head) {
    constexpr std::string_view kName = "Content-Length: ";
    const std::size_t at = head.find(kName);
    return at == std::string_view::npos ? 0 : std::strtoul(head.data() + at + kName.size(), nullptr, 10);
  }

  Listener listener_;
  runtime::Event open_;
  runtime::TaskSet tasks_;
};

} // namespace mailmoor::testing
