// Peers made inside the test's process: each serves its clients, one after the other, on a thread of its own with
// blocking calls. Nothing here waits longer than kPatience, so that a broken test fails instead of hanging.
#pragma once

#include "net/certificates.h"
#include "util/unique_fd.h"

#include <csignal>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace mailmoor::net {

inline constexpr timeval kPatience{20, 0};

// A listening socket on ::1 or, by default, 127.0.0.1; the kernel chooses the port.
class Listener final {
 public:
  explicit Listener(int family = AF_INET, int backlog = 16, in_addr_t v4_address = INADDR_LOOPBACK,
                    std::uint16_t port = 0)
      : socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 address{};
    socklen_t size = sizeof address;
    if (family == AF_INET6) {
      address.sin6_family = AF_INET6;
      address.sin6_addr = in6addr_loopback;
    } else {
      size = sizeof(sockaddr_in);
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      v4.sin_addr.s_addr = htonl(v4_address);
    }
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), any, size), 0);
    EXPECT_EQ(::listen(socket_.get(), backlog), 0);
    EXPECT_EQ(::getsockname(socket_.get(), any, &size), 0);
    port_ = ntohs(address.sin6_port); // at the same place in both
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // The next client; none after shut().
  [[nodiscard]] UniqueFd accept() {
    UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    return client;
  }
  void shut() noexcept { ::shutdown(socket_.get(), SHUT_RDWR); }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
};

// Listens, but with a full backlog: Linux answers no more SYN.
class FullBacklog final {
 public:
  explicit FullBacklog(in_addr_t v4_address = INADDR_LOOPBACK, std::uint16_t port = 0)
      : listener_(AF_INET, 0, v4_address, port) {
    for (int i = 0; i < 8; ++i) {
      waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(listener_.port());
      address.sin_addr.s_addr = htonl(v4_address);
      ::connect(waiting_.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }

 private:
  Listener listener_;
  std::vector<UniqueFd> waiting_;
};

// Calls `serve` for each client, on a thread of its own; the socket is closed afterwards. (A stranger who connects,
// such as a daemon that looks for a server which had this port before, so keeps nobody waiting.)
class Server final {
 public:
  explicit Server(std::function<void(int)> serve, int family = AF_INET)
      : listener_(family), serve_(std::move(serve)), acceptor_([this] { accept_clients(); }) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    listener_.shut();
    acceptor_.join();
    for (Client& client : clients_)
      client.hang_up();
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }
  [[nodiscard]] std::size_t clients() {
    const std::scoped_lock lock(mutex_);
    return clients_.size();
  }

 private:
  class Client final {
   public:
    Client(UniqueFd socket, const std::function<void(int)>& serve)
        : socket_(std::move(socket)), thread_([this, &serve] {
            serve(socket_.get());
            const std::scoped_lock lock(mutex_);
            socket_.reset();
          }) {}
    void hang_up() {
      const std::scoped_lock lock(mutex_);
      if (socket_.is_open()) ::shutdown(socket_.get(), SHUT_RDWR);
    }

   private:
    std::mutex mutex_; // closing and hanging up
    UniqueFd socket_;
    std::jthread thread_;
  };

  void accept_clients() {
    // OpenSSL writes with write(2). Blocked only here: the daemon's side has to see to itself.
    sigset_t pipe{};
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr); // inherited by the clients' threads
    while (true) {
      UniqueFd next = listener_.accept();
      if (!next.is_open()) return;
      const std::scoped_lock lock(mutex_);
      clients_.emplace_back(std::move(next), serve_);
    }
  }

  Listener listener_;
  std::function<void(int)> serve_;
  std::mutex mutex_;
  std::list<Client> clients_;
  std::jthread acceptor_;
};

// The other end of a connection, in the clear or, given a context, with TLS.
class Peer final {
 public:
  explicit Peer(int socket, SSL_CTX* context = nullptr) : socket_(socket) {
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), socket);
  }
  [[nodiscard]] bool accept() { return !ssl_ || SSL_accept(ssl_.get()) == 1; }
  // Whether the handshake went on where an earlier one left off.
  [[nodiscard]] bool has_resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }
  // Up to 64 KiB; empty at the end.
  [[nodiscard]] std::string read() {
    std::string bytes(65536, '\0');
    const ssize_t count = ssl_ ? SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                               : ::recv(socket_, bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  // Until `end` has come, with what came after it.
  [[nodiscard]] std::string read_until(std::string_view end) {
    std::string bytes;
    while (!bytes.contains(end)) {
      const std::string more = read();
      if (more.empty()) break;
      bytes += more;
    }
    return bytes;
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                                 : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void close_notify() {
    if (ssl_) SSL_shutdown(ssl_.get());
  }
  // The connection ends with a reset instead of an orderly end.
  void reset_when_closed() const {
    const linger hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  // Waits until the client has closed.
  void await_end() {
    while (!read().empty()) {
    }
  }

 private:
  int socket_;
  std::unique_ptr<SSL, OpensslCloser<SSL_free>> ssl_;
};

// Small buffers on a connected socket, so that writing has to wait soon.
inline void shrink_buffers(int socket) {
  const int size = 32 * 1024; // with less, delayed acknowledgements make it slow
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

} // namespace mailmoor::net
