#include "supervisor/network_watch.h"

#include "support/http_server.h"
#include "support/tls_peer.h"
#include "support/world.h"

#include <fstream>
#include <gtest/gtest.h>
#include <optional>

namespace mailmoor::supervisor {
namespace {

using namespace std::chrono_literals;
using Way = NetworkWatch::Way;

class NetworkWatchTest : public ::testing::Test {
 protected:
  void look() { watch.look({way}); }
  // A second passes, and what was tried has its end.
  void pass_a_second() {
    world.clock.advance(1s);
    look();
    ASSERT_TRUE(world.until([this] { return !watch.is_trying(); }));
  }
  testing::World world;
  std::vector<Way> returned;
  NetworkWatch watch{world.services, [this](const Way& each) { returned.push_back(each); }};
  std::optional<testing::Listener> server{world.loop};
  Way way{"127.0.0.1", server->port(), ""};
};

TEST_F(NetworkWatchTest, ServerIsAway_IsToldOfOnceItIsBack) {
  server.reset();
  for (int i = 0; i < 5; ++i)
    pass_a_second();
  EXPECT_TRUE(returned.empty());
  server.emplace(world.loop, way.port);
  for (int i = 0; i < 5; ++i)
    pass_a_second();
  EXPECT_EQ((std::vector<Way>{way}), returned) << "once";
}

// The token endpoint is away, or the server takes connections and says nothing: to call the mailboxes back each time
// would undo their back-off.
TEST_F(NetworkWatchTest, ServerThatCouldBeReachedAllTheTime_IsNotToldOf) {
  for (int i = 0; i < 20; ++i)
    pass_a_second();
  EXPECT_TRUE(returned.empty());
}

// A hotel's network, whose sign-in page answers in every server's place.
class StrangerTest : public NetworkWatchTest {
 protected:
  StrangerTest() {
    std::ofstream(world.directory / "ca.pem") << net::pem_of(authority_);
    way.proof = net::Trust::load_blocking(world.directory / "ca.pem").value();
    peers_.spawn(serve());
  }
  bool server_is_there = false;
  int handshakes = 0;

 private:
  [[nodiscard]] runtime::Task<void> serve() {
    while (true) {
      auto accepting = server->accept();
      std::unique_ptr<net::TcpStream> tcp = co_await accepting;
      peers_.spawn(greet(std::move(tcp)));
    }
  }
  [[nodiscard]] runtime::Task<void> greet(std::unique_ptr<net::TcpStream> tcp) {
    testing::TlsPeer peer(world.loop, std::move(tcp), server_is_there ? context_.get() : stranger_context_.get());
    ++handshakes;
    auto accepting = peer.accept();
    static_cast<void>(co_await accepting);
  }
  net::Identity authority_ = net::make_authority();
  net::Identity identity_ = net::issue({.names = "IP:127.0.0.1"}, &authority_);
  net::Identity stranger_ = net::issue({.names = "DNS:sign-in.hotel.test"});
  net::ServerContext context_ = net::server_context(identity_);
  net::ServerContext stranger_context_ = net::server_context(stranger_);
  runtime::TaskSet peers_{world.loop};
};

TEST_F(StrangerTest, AnswersInTheServersPlace_ItsEndIsToldWithinSeconds) {
  for (int i = 0; i < 10; ++i)
    pass_a_second();
  EXPECT_TRUE(returned.empty());
  EXPECT_EQ(2, handshakes) << "one each five seconds";
  server_is_there = true;
  for (int i = 0; i < 5; ++i)
    pass_a_second();
  EXPECT_EQ((std::vector<Way>{way}), returned) << "once";
}

// Its certificate is wrong for another reason than ours.
TEST_F(StrangerTest, ServerThatProvesItselfAllTheTime_IsNotToldOf) {
  server_is_there = true;
  for (int i = 0; i < 12; ++i)
    pass_a_second();
  EXPECT_EQ(3, handshakes);
  EXPECT_TRUE(returned.empty());
}

TEST_F(NetworkWatchTest, NobodyWaits_NothingIsTried) {
  watch.look({});
  EXPECT_FALSE(watch.is_trying());
  EXPECT_TRUE(returned.empty());
}

TEST_F(NetworkWatchTest, LongAway_IsTriedLessOften) {
  server.reset();
  const auto tries = [this](runtime::Duration time) {
    int count = 0;
    for (runtime::Duration gone{}; gone < time; gone += 1s) {
      world.clock.advance(1s);
      look();
      count += watch.is_trying() ? 1 : 0;
      EXPECT_TRUE(world.until([this] { return !watch.is_trying(); }));
    }
    return count;
  };
  EXPECT_EQ(30, tries(1min));
  world.clock.advance(30min);
  look();
  ASSERT_TRUE(world.until([this] { return !watch.is_trying(); }));
  EXPECT_EQ(2, tries(1min));
}

} // namespace
} // namespace mailmoor::supervisor
