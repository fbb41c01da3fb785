// A daemon that says what it is told to, on a real Unix socket, in a thread of its own.
#pragma once

#include "util/concat.h"
#include "util/unique_fd.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mailmoor::cli {

class ScriptedDaemon final {
 public:
  ScriptedDaemon() {
    char name[] = "/tmp/mailmoor-cli-XXXXXX";
    directory_ = ::mkdtemp(name);
    listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path().c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 100), 0);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~ScriptedDaemon() {
    thread_.request_stop();
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(directory_);
  }
  ScriptedDaemon(const ScriptedDaemon&) = delete;
  ScriptedDaemon& operator=(const ScriptedDaemon&) = delete;

  [[nodiscard]] std::string socket_path() const { return directory_ + "/control.sock"; }

  // "GET /v1/status" → an answer. Call before the client runs.
  void on(const std::string& request, int status, const std::string& body) {
    answers_[request] =
        concat("HTTP/1.1 ", status, " X\r\nConnection: close\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
  }
  // Bytes as they are; then the connection is closed.
  void on_raw(const std::string& request, const std::string& bytes) { answers_[request] = bytes; }

  // The first answer, then the next …; the last one stays.
  void on_sequence(const std::string& request, std::vector<std::string> answers) {
    answers_[request] = answers.front();
    answers.erase(answers.begin());
    sequences_[request] = std::move(answers);
  }
  // To whatever request begins so.
  void on_any(const std::string& beginning, const std::string& bytes) { beginnings_[beginning] = bytes; }
  // Answers with the first bytes, and with the rest once `after` has been asked: "POST /path".
  void on_two_parts(const std::string& request, const std::string& first, const std::string& after,
                    const std::string& rest) {
    answers_[request] = first;
    rests_[request] = {after, rest};
  }

  // "POST /path body" of each request so far.
  [[nodiscard]] std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // The most connections that were open at once.
  [[nodiscard]] std::size_t most_at_once() const { return most_at_once_; }
  // Answers only when so many requests are there.
  void gather(std::size_t count) { gather_ = count; }
  // The same for logins alone.
  void gather_logins(std::size_t count) { gather_logins_ = count; }

 private:
  struct Connection {
    UniqueFd socket;
    std::string received;
    bool is_complete = false;
    std::string held_for{}; // the request after which the rest is sent; empty: not held
    std::string rest{};
  };
  struct Rest {
    std::string after, bytes;
  };

  void serve(const std::stop_token& stop) {
    std::vector<Connection> connections;
    while (!stop.stop_requested()) {
      std::vector<pollfd> fds = {{listener_.get(), POLLIN, 0}};
      for (const Connection& connection : connections)
        fds.push_back({connection.is_complete ? -1 : connection.socket.get(), POLLIN, 0});
      ::poll(fds.data(), fds.size(), 1000);
      for (std::size_t i = 0; i < connections.size(); ++i)
        if (fds[i + 1].revents != 0) receive(connections[i]);
      if (fds[0].revents != 0 && !stop.stop_requested())
        if (UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); accepted.is_open())
          connections.push_back({std::move(accepted), {}, false});
      most_at_once_ = std::max<std::size_t>(most_at_once_, connections.size());
      const auto complete = std::ranges::count_if(connections, [](const auto& c) { return c.is_complete; });
      if (static_cast<std::size_t>(complete) < gather_) continue;
      const auto logins =
          std::ranges::count_if(connections, [](const auto& c) { return c.is_complete && is_login(c); });
      for (Connection& connection : connections)
        if (connection.is_complete && connection.held_for.empty() &&
            (!is_login(connection) || static_cast<std::size_t>(logins) >= gather_logins_))
          answer(connection);
      for (Connection& connection : connections)
        if (!connection.held_for.empty() && was_asked(connection.held_for)) {
          ::send(connection.socket.get(), connection.rest.data(), connection.rest.size(), MSG_NOSIGNAL);
          connection.socket.reset();
        }
      std::erase_if(connections, [](const Connection& c) { return !c.socket.is_open(); });
    }
  }

  [[nodiscard]] static bool is_login(const Connection& connection) {
    return connection.received.substr(0, connection.received.find(' ', 5)).ends_with("/login");
  }

  static void receive(Connection& connection) {
    char buffer[4096];
    const ssize_t size = ::recv(connection.socket.get(), buffer, sizeof buffer, 0);
    if (size <= 0) return connection.socket.reset();
    connection.received.append(buffer, static_cast<std::size_t>(size));
    const auto head = connection.received.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const auto length = connection.received.find("Content-Length: ");
    const std::size_t body = length < head ? std::stoul(connection.received.substr(length + 16)) : 0;
    connection.is_complete = connection.received.size() >= head + 4 + body;
  }

  void answer(Connection& connection) {
    const std::string& all = connection.received;
    const std::string request = all.substr(0, all.find(" HTTP/1.1"));
    const std::string body = all.substr(all.find("\r\n\r\n") + 4);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(body.empty() ? request : request + ' ' + body);
    }
    const std::string bytes = answer_to(request);
    ::send(connection.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (const auto rest = rests_.find(request); rest != rests_.end()) {
      connection.held_for = rest->second.after;
      connection.rest = rest->second.bytes;
    } else {
      connection.socket.reset();
    }
  }

  [[nodiscard]] std::string answer_to(const std::string& request) {
    for (const auto& [beginning, bytes] : beginnings_)
      if (request.starts_with(beginning)) return bytes;
    const auto known = answers_.find(request);
    if (known == answers_.end()) return "HTTP/1.1 500 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    std::string bytes = known->second;
    if (auto& next = sequences_[request]; !next.empty()) {
      known->second = next.front();
      next.erase(next.begin());
    }
    return bytes;
  }

  [[nodiscard]] bool was_asked(const std::string& request) {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(requests_, [&request](const std::string& asked) { return asked.starts_with(request); });
  }

  std::string directory_;
  UniqueFd listener_;
  std::map<std::string, std::string> answers_;
  std::map<std::string, Rest> rests_;
  std::map<std::string, std::vector<std::string>> sequences_;
  std::map<std::string, std::string> beginnings_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::atomic<std::size_t> most_at_once_ = 0;
  std::atomic<std::size_t> gather_ = 0;
  std::atomic<std::size_t> gather_logins_ = 0;
  std::jthread thread_;
};

} // namespace mailmoor::cli
