#include "control/metrics_server.h"

#include "control/fake_operations.h"
#include "control/poll_loop.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

namespace mailmoor::control {
namespace {

using testing::HasSubstr;

class TcpClient final {
 public:
  explicit TcpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  void send(std::string_view bytes) { ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }
  // Whether the server has hung up; what it said is in `received`.
  bool is_ended() {
    char buffer[4096];
    ssize_t size = 0;
    while ((size = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
      received.append(buffer, static_cast<std::size_t>(size));
    return size == 0 || (errno != EAGAIN && errno != EINTR);
  }
  std::string received;

 private:
  UniqueFd socket_;
};

class MetricsServerTest : public testing::Test {
 protected:
  MetricsServerTest() { operations_.numbers.connections = 5; }

  void SetUp() override {
    auto opened = MetricsServer::open(loop_, operations_, "127.0.0.1", 0);
    ASSERT_TRUE(opened) << opened.error().what;
    server_ = *std::move(opened);
  }
  // Everything that the server says to `request`, until it hangs up.
  std::string ask(std::string_view request) {
    TcpClient client(server_->port());
    client.send(request);
    EXPECT_TRUE(loop_.run_until([&client] { return client.is_ended(); }));
    return client.received;
  }
  static std::string request(std::string_view line, std::string_view more = {}) {
    return concat(line, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", more, "\r\n");
  }

  PollLoop loop_;
  FakeOperations operations_;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, GetMetrics_IsAnsweredWithTheNumbers) {
  const std::string answer = ask(request("GET /metrics"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_THAT(answer, HasSubstr("application/openmetrics-text; version=1.0.0; charset=utf-8"));
  EXPECT_THAT(answer, HasSubstr("\nmailmoor_connections 5\n"));
}

TEST_F(MetricsServerTest, EverythingElse_IsRefused) {
  for (const char* line : {"GET /", "GET /v1/status", "GET /health", "GET /metrics/", "POST /v1/reload"})
    EXPECT_TRUE(ask(request(line)).starts_with("HTTP/1.1 404 ")) << line;
  for (const char* line : {"POST /metrics", "DELETE /metrics"})
    EXPECT_TRUE(ask(request(line)).starts_with("HTTP/1.1 405 ")) << line;
  EXPECT_TRUE(operations_.calls.empty());
}

TEST_F(MetricsServerTest, BodyOrHeadersWithoutEnd_AreCutOff) {
  EXPECT_FALSE(ask(request("POST /metrics", "Content-Length: 5\r\n") + "hello").starts_with("HTTP/1.1 200"));
  const std::string long_header = concat("X: ", std::string(20'000, 'a'), "\r\n");
  EXPECT_FALSE(ask(request("GET /metrics", long_header)).starts_with("HTTP/1.1 200"));
}

TEST_F(MetricsServerTest, AddressInUse_SaysSo) {
  const auto second = MetricsServer::open(loop_, operations_, "127.0.0.1", server_->port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "metrics_failed");
  EXPECT_THAT(second.error().what, HasSubstr("Address already in use"));
}

TEST_F(MetricsServerTest, ServerThatGoes_LeavesTheLoopEmpty) {
  const TcpClient idle(server_->port());
  ask(request("GET /metrics"));
  server_.reset();
  EXPECT_EQ(loop_.size(), 0U);
}

} // namespace
} // namespace mailmoor::control
