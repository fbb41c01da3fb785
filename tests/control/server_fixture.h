#pragma once

#include "control/fake_operations.h"
#include "control/poll_loop.h"
#include "control/problem.h"
#include "control/server.h"
#include "control/unix_client.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace mailmoor::control {

class ScratchDirectory final {
 public:
  ScratchDirectory() {
    char name[] = "/tmp/mailmoor-control-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + '/' + std::string(name); }

 private:
  std::string path_;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Server::open_blocking(loop_, operations_, {.socket_path = path_, .parts = {{"libuv", "1.44"}}});
    ASSERT_TRUE(opened) << opened.error().what;
    server_ = std::move(*opened);
  }

  // Asks, runs the loop until the answer is there, and returns its status.
  int ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    client_ = std::make_unique<UnixClient>(path_);
    client_->request(method, target, body);
    return wait_for_answer();
  }
  int wait_for_answer() {
    if (!loop_.run_until([this] { return client_->has_answer() || client_->is_ended(); })) return -1;
    return client_->status();
  }
  // Starts a request that will not be answered at once.
  void begin(std::string_view method, std::string_view target, std::string_view body = {}) {
    client_ = std::make_unique<UnixClient>(path_);
    client_->request(method, target, body);
    const std::size_t calls = operations_.calls.size();
    ASSERT_TRUE(loop_.run_until([this, calls] { return operations_.calls.size() > calls; }));
  }
  Problem problem() {
    auto read = problem_from_json(client_->body());
    EXPECT_TRUE(read) << client_->received();
    return read ? *read : Problem{};
  }

  ScratchDirectory scratch_;
  std::string path_ = scratch_ / "control.sock";
  PollLoop loop_;
  FakeOperations operations_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<UnixClient> client_;
};

} // namespace mailmoor::control
