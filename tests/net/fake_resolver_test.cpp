#include "net/fake_resolver.h"

#include "net/net_fixture.h"

#include <condition_variable>
#include <dlfcn.h>
#include <future>
#include <mutex>
#include <netdb.h>
#include <string_view>

namespace mailmoor::net {
namespace {

struct SlowState {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  int asking = 0;
};
SlowState slow;

int ask_c_library(const char* name, const char* service, const addrinfo* hints, addrinfo** out) {
  static const auto real = reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(name, service, hints, out);
}

int ask_for_both(const char* first, const char* second, const char* service, const addrinfo* hints, addrinfo** out) {
  const int first_result = ask_c_library(first, service, hints, out);
  if (first_result != 0) return first_result;
  addrinfo* last = *out;
  while (last->ai_next != nullptr)
    last = last->ai_next;
  return ask_c_library(second, service, hints, &last->ai_next);
}

void wait_for_slow_name() {
  std::unique_lock lock(slow.mutex);
  ++slow.asking;
  slow.changed.notify_all();
  slow.changed.wait(lock, [] { return !slow.held; });
  --slow.asking;
  slow.changed.notify_all();
}

} // namespace

SlowName::SlowName() {
  const std::scoped_lock lock(slow.mutex);
  slow.held = true;
}

SlowName::~SlowName() {
  std::unique_lock lock(slow.mutex);
  slow.held = false;
  slow.changed.notify_all();
  slow.changed.wait(lock, [] { return slow.asking == 0; });
}

void SlowName::await_question() {
  std::unique_lock lock(slow.mutex);
  slow.changed.wait(lock, [] { return slow.asking != 0; });
}

} // namespace mailmoor::net

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** out) {
  using namespace mailmoor::net;
  const std::string_view asked = name != nullptr ? name : "";
  if (asked.ends_with(".invalid")) return EAI_NONAME;
  if (asked == "two.test") return ask_for_both("::1", "127.0.0.1", service, hints, out);
  if (asked == "late.test") return ask_for_both("127.0.0.2", "127.0.0.1", service, hints, out);
  if (asked == "slow.test") wait_for_slow_name();
  if (asked.ends_with(".test")) return ask_c_library("127.0.0.1", service, hints, out);
  return ask_c_library(name, service, hints, out);
}

namespace mailmoor::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ResolverTest : public NetTest {
 protected:
  [[nodiscard]] runtime::Task<Result<std::unique_ptr<TcpStream>>> dial_slowly(milliseconds limit) {
    DialTarget target;
    target.host = "slow.test";
    target.port = 1;
    target.connect_timeout = limit;
    return dialer_.dial(std::move(target));
  }
};

TEST_F(ResolverTest, a_name_that_does_not_exist) {
  const auto tcp = dial(993, "nonexistent.invalid");
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().kind, ErrorKind::kHost);
  EXPECT_EQ(tcp.error().code, "dns_failed");
  EXPECT_TRUE(tcp.error().what.contains("nonexistent.invalid:993")) << tcp.error().what;
}

TEST_F(ResolverTest, a_proxy_whose_name_does_not_exist) {
  const auto tcp = dial(993, "mail.test", "http://nonexistent.invalid:3128");
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().code, "proxy_failed");
}

// getaddrinfo() cannot be stopped, but nobody waits for it.
TEST_F(ResolverTest, cancelling_does_not_wait_for_the_name_server) {
  SlowName slow_name;
  runtime::TaskRunner<Result<std::unique_ptr<TcpStream>>> runner;
  runner.start(dial_slowly(seconds(30)), [](auto) { FAIL() << "a cancelled dial has ended"; });
  std::jthread asked([&slow_name, this] {
    slow_name.await_question();
    loop_.post([this] { loop_.stop(); });
  });
  loop_.run();
  asked.join();
  runner.cancel(); // would hang: only the end of the test answers the question
  loop_.run_ready();
}

TEST_F(ResolverTest, running_out_of_time_does_not_wait_for_the_name_server) {
  const SlowName slow_name;
  const auto tcp = await(dial_slowly(milliseconds(20)));
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().code, "connect_timeout");
}

TEST_F(ResolverTest, the_second_address_is_tried_when_the_first_refuses) {
  Server server([](int socket) { Peer(socket).await_end(); }); // IPv4 only
  const auto tcp = dial(server.port(), "two.test");
  ASSERT_TRUE(tcp) << tcp.error().what;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getpeername((*tcp)->fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(address.ss_family, AF_INET);
}

// Of itself libcurl 7.88 would go on after half of the connect timeout only. Takes a second: so long the kernel waits
// before it asks the first address again.
TEST_F(ResolverTest, the_second_address_is_tried_when_the_first_refuses_late) {
  Server server([](int socket) { Peer(socket).await_end(); });
  auto refusing_late = std::make_unique<FullBacklog>(0x7f000002, server.port());
  DialTarget target;
  target.host = "late.test";
  target.port = server.port();
  target.connect_timeout = seconds(5);
  std::optional<Result<std::unique_ptr<TcpStream>>> tcp;
  runtime::TaskRunner<Result<std::unique_ptr<TcpStream>>> runner;
  runner.start(dialer_.dial(std::move(target)), [&tcp](auto result) { tcp.emplace(std::move(result)); });
  runtime::Timer close(loop_, [&refusing_late] { refusing_late.reset(); });
  close.start_after(milliseconds(100)); // when libcurl has begun
  const runtime::MonoTime began = loop_.now();
  loop_.run_until([&tcp] { return tcp.has_value(); });
  ASSERT_TRUE(*tcp) << tcp->error().what;
  EXPECT_LT(loop_.now() - began, seconds(2));
}

} // namespace
} // namespace mailmoor::net
