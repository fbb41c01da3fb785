#include "net/dialer.h"

#include "net/net_fixture.h"
#include "util/scope_exit.h"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string>
#include <vector>

namespace mailmoor::net {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kGreeting = "* OK ready\r\n";

void greet(int socket) {
  Peer peer(socket);
  peer.write(kGreeting);
  peer.await_end();
}

class DialerTest : public NetTest {
 protected:
  void expect_greeting(TcpStream& stream) {
    std::string line(kGreeting.size(), '\0');
    std::size_t have = 0;
    while (have < line.size()) {
      const auto count = await(stream.read_some(std::as_writable_bytes(std::span(line)).subspan(have)));
      ASSERT_TRUE(count) << count.error().what;
      ASSERT_NE(*count, 0U);
      have += *count;
    }
    EXPECT_EQ(line, kGreeting);
  }
  [[nodiscard]] static int option(int socket, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(socket, level, name, &value, &size), 0);
    return value;
  }
};

TEST_F(DialerTest, an_ipv4_address) {
  Server server(greet);
  const auto tcp = dial(server.port());
  ASSERT_TRUE(tcp) << tcp.error().what;
  EXPECT_EQ((*tcp)->peer(), concat("127.0.0.1:", server.port()));
  expect_greeting(**tcp);
}

TEST_F(DialerTest, an_ipv6_address) {
  Server server(greet, AF_INET6);
  const auto tcp = dial(server.port(), "::1");
  ASSERT_TRUE(tcp) << tcp.error().what;
  expect_greeting(**tcp);
}

TEST_F(DialerTest, the_socket_is_ready_for_long_waits) {
  Server server(greet);
  const auto tcp = connect(server.port());
  ASSERT_TRUE(tcp);
  EXPECT_EQ(option(tcp->fd(), SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(tcp->fd(), IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(option(tcp->fd(), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_NE(::fcntl(tcp->fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(tcp->fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_TRUE(tcp->round_trip());
}

TEST_F(DialerTest, a_port_where_nobody_listens) {
  std::uint16_t port = 0;
  {
    const Listener gone;
    port = gone.port();
  }
  const auto tcp = dial(port);
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().kind, ErrorKind::kHost);
  EXPECT_EQ(tcp.error().code, "connect_failed");
  EXPECT_EQ(tcp.error().what, concat("connecting to 127.0.0.1:", port, " failed: Connection refused"));
}

TEST_F(DialerTest, a_host_that_does_not_answer) {
  const FullBacklog full;
  DialTarget target;
  target.host = "127.0.0.1";
  target.port = full.port();
  target.connect_timeout = milliseconds(30);
  const auto tcp = await(dialer_.dial(std::move(target)));
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().code, "connect_timeout");
}

TEST_F(DialerTest, cancelling_while_it_connects) {
  const FullBacklog full;
  DialTarget target;
  target.host = "127.0.0.1";
  target.port = full.port();
  runtime::TaskRunner<Result<std::unique_ptr<TcpStream>>> runner;
  runner.start(dialer_.dial(std::move(target)), [](auto) { FAIL() << "a cancelled dial has ended"; });
  // libcurl begins with its first timer: connected to nobody when another dial has come and gone.
  Server server(greet);
  ASSERT_TRUE(dial(server.port()));
  runner.cancel();
  loop_.run_ready();
}

TEST_F(DialerTest, many_at_a_time) {
  std::vector<std::unique_ptr<Server>> servers;
  std::vector<Result<std::unique_ptr<TcpStream>>> streams;
  runtime::TaskSet tasks(loop_);
  const auto dial_one = [](Dialer& dialer, std::uint16_t port,
                           std::vector<Result<std::unique_ptr<TcpStream>>>& into) -> runtime::Task<void> {
    DialTarget target;
    target.host = "127.0.0.1";
    target.port = port;
    Result<std::unique_ptr<TcpStream>> stream = co_await dialer.dial(std::move(target));
    into.push_back(std::move(stream));
  };
  for (int i = 0; i < 10; ++i) {
    servers.push_back(std::make_unique<Server>(greet));
    tasks.spawn(dial_one(dialer_, servers.back()->port(), streams));
  }
  loop_.run_until([&tasks] { return tasks.empty(); });
  ASSERT_EQ(streams.size(), 10U);
  for (const auto& stream : streams) {
    ASSERT_TRUE(stream) << stream.error().what;
    expect_greeting(**stream);
  }
}

// Answers CONNECT with `reply`; the first bytes of the server come in the same segment, as they may.
class HttpProxy final {
 public:
  explicit HttpProxy(std::string reply) : reply_(std::move(reply)) {}
  [[nodiscard]] std::string url() const { return concat("http://127.0.0.1:", server_.port()); }
  [[nodiscard]] std::string request() {
    const std::scoped_lock lock(mutex_);
    return request_;
  }

 private:
  void serve(int socket) {
    Peer peer(socket);
    const std::string request = peer.read_until("\r\n\r\n");
    {
      const std::scoped_lock lock(mutex_);
      request_ = request;
    }
    peer.write(reply_);
    peer.await_end();
  }
  std::string reply_;
  std::mutex mutex_;
  std::string request_;
  Server server_{[this](int socket) { serve(socket); }};
};

TEST_F(DialerTest, through_an_http_proxy) {
  HttpProxy proxy(concat("HTTP/1.1 200 Connection established\r\n\r\n", kGreeting));
  const auto tcp = dial(993, "nonexistent.invalid", proxy.url());
  ASSERT_TRUE(tcp) << tcp.error().what;
  EXPECT_TRUE(proxy.request().starts_with("CONNECT nonexistent.invalid:993 HTTP/1.1\r\n")) << proxy.request();
  expect_greeting(**tcp);
}

TEST_F(DialerTest, an_http_proxy_that_refuses) {
  HttpProxy proxy("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  const auto tcp = dial(993, "mail.test", proxy.url());
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().code, "proxy_failed");
  EXPECT_TRUE(tcp.error().what.contains("403")) << tcp.error().what;
}

TEST_F(DialerTest, an_http_proxy_that_speaks_something_else) {
  HttpProxy proxy("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  DialTarget target;
  target.host = "mail.test";
  target.port = 993;
  target.proxy = proxy.url();
  target.connect_timeout = milliseconds(50);
  const auto tcp = await(dialer_.dial(std::move(target)));
  ASSERT_FALSE(tcp);
}

TEST_F(DialerTest, a_proxy_that_says_nothing) {
  Server silent([](int socket) { Peer(socket).await_end(); });
  for (const char* scheme : {"http", "socks5h"}) {
    DialTarget target;
    target.host = "mail.test";
    target.port = 993;
    target.proxy = concat(scheme, "://127.0.0.1:", silent.port());
    target.connect_timeout = milliseconds(30);
    const auto tcp = await(dialer_.dial(std::move(target)));
    ASSERT_FALSE(tcp);
    EXPECT_EQ(tcp.error().code, "connect_timeout") << tcp.error().what;
  }
}

TEST_F(DialerTest, a_proxy_that_is_not_there) {
  std::uint16_t port = 0;
  {
    const Listener gone;
    port = gone.port();
  }
  for (const char* scheme : {"http", "socks5h"}) {
    const auto tcp = dial(993, "mail.test", concat(scheme, "://127.0.0.1:", port));
    ASSERT_FALSE(tcp);
    EXPECT_EQ(tcp.error().code, "proxy_failed");
    EXPECT_TRUE(tcp.error().what.contains("Connection refused")) << tcp.error().what;
  }
}

// RFC 1928, one client: no authentication, then the request, answered with `status`.
class SocksProxy final {
 public:
  explicit SocksProxy(char status) : status_(status) {}
  [[nodiscard]] std::string url() const { return concat("socks5h://127.0.0.1:", server_.port()); }
  // The request from its address type on.
  [[nodiscard]] std::string asked_for() {
    const std::scoped_lock lock(mutex_);
    return asked_for_;
  }

 private:
  void serve(int socket) {
    Peer peer(socket);
    if (!peer.read().starts_with('\x05')) return;
    peer.write(std::string_view("\x05\x00", 2));
    const std::string request = peer.read(); // 5, 1 = connect, 0, type, address, port
    {
      const std::scoped_lock lock(mutex_);
      asked_for_ = request.substr(std::min<std::size_t>(3, request.size()));
    }
    std::string reply("\x05?\x00\x01\x00\x00\x00\x00\x00\x00", 10);
    reply[1] = status_;
    if (status_ == 0) reply += kGreeting;
    peer.write(reply);
    peer.await_end();
  }
  char status_;
  std::mutex mutex_;
  std::string asked_for_;
  Server server_{[this](int socket) { serve(socket); }};
};

TEST_F(DialerTest, through_a_socks_proxy_that_resolves_the_name) {
  SocksProxy proxy(0);
  const auto tcp = dial(993, "nonexistent.invalid", proxy.url());
  ASSERT_TRUE(tcp) << tcp.error().what;
  EXPECT_EQ(proxy.asked_for(), std::string("\x03\x13nonexistent.invalid\x03\xe1", 23));
  expect_greeting(**tcp);
}

TEST_F(DialerTest, a_socks_proxy_that_refuses) {
  SocksProxy proxy(2); // not allowed by ruleset
  const auto tcp = dial(993, "mail.test", proxy.url());
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().code, "proxy_failed");
}

class Environment final {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

TEST_F(DialerTest, the_environment_names_no_proxy) {
  Server server(greet);
  const Environment http("http_proxy", "http://nonexistent.invalid:1");
  const Environment all("ALL_PROXY", "http://nonexistent.invalid:1");
  EXPECT_TRUE(dial(server.port()));
}

TEST_F(DialerTest, the_environment_does_not_take_the_proxy_away) {
  HttpProxy proxy(concat("HTTP/1.1 200 Connection established\r\n\r\n", kGreeting));
  const Environment none("no_proxy", "*");
  EXPECT_TRUE(dial(993, "nonexistent.invalid", proxy.url()));
}

} // namespace
} // namespace mailmoor::net
