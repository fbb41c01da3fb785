// An app that is refused while several of its tokens are being renewed: answers take their time, and come in any order.
#include "mailbox/app_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using testing::Plug;

constexpr std::string_view kSecretHasExpired =
    R"({"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired.","error_codes":[7000222]})";

class DoubtTest : public AppWorld {
 protected:
  [[nodiscard]] static HttpServer::Reply refusal() { return HttpServer::json(401, std::string(kSecretHasExpired)); }
  void refuse_app() {
    server.answer = [](const auto&) { return refusal(); };
  }
  // The pace lets one go in each step; nothing is awaited.
  void go_on(int steps) {
    for (int i = 0; i < steps; ++i) {
      world.clock.advance(100ms);
      world.run_ready();
    }
  }
  // Until so many requests have come, while time goes by.
  [[nodiscard]] bool asked(std::size_t times) {
    return world.until([this, times] {
      if (server.requests.size() < times) world.clock.advance(10ms);
      return server.requests.size() >= times;
    });
  }
  [[nodiscard]] std::size_t told(std::string_view words) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(world.logged, [words](const auto& fault) { return fault.message.contains(words); }));
  }
};

TEST_F(DoubtTest, FiveAreOnTheirWayWhenTheFirstIsRefused_NoOtherAsksAndTheProbeComesAfterAnHour) {
  refuse_app();
  server.hold();
  store_tokens(30, world.now() - 2h);
  start_all(30);
  ASSERT_TRUE(asked(5));
  server.release();
  ASSERT_TRUE(settled());
  ASSERT_TRUE(client->gate().fault());
  EXPECT_LE(*client->gate().asks_again_at() - world.now(), 75min + 1s) << "five answers are no five probes";
  const std::size_t on_their_way = server.requests.size();
  EXPECT_LE(on_their_way, 6U);
  live_through(10min, 1s);
  EXPECT_EQ(on_their_way, server.requests.size());
  EXPECT_EQ(1U, alarms());
}

TEST_F(DoubtTest, OneIsRefused_TheNextAnswerIsAwaitedBeforeAnotherOneAsks) {
  refuse_app();
  store_tokens(30, world.now() - 2h);
  start_all(30);
  ASSERT_TRUE(asked(1));
  ASSERT_TRUE(settled());
  server.hold();
  ASSERT_TRUE(asked(2));
  go_on(100); // ten seconds without an answer
  EXPECT_EQ(2U, server.requests.size()) << "one to doubt, one to be sure";
  server.release();
  ASSERT_TRUE(settled());
  live_through(10min, 1s);
  EXPECT_EQ(2U, server.requests.size());
  EXPECT_EQ(1U, alarms());
}

TEST_F(DoubtTest, NoAnswerToTheNextOne_YetAnotherOneAsks) {
  server.answer = [this](const auto&) {
    HttpServer::Reply reply = refusal();
    reply.breaks_off = server.requests.size() == 2;
    return reply;
  };
  store_tokens(30, world.now() - 2h);
  start_all(30);
  live_through(10min, 1s);
  EXPECT_EQ(3U, server.requests.size());
  EXPECT_EQ(1U, alarms());
}

TEST_F(DoubtTest, TokenGivenBefore_StoredAfterwards_SaysNothingForTheApp) {
  server.answer = [this](const auto&) {
    return server.requests.size() == 1 ? HttpServer::json(200, grant_json("A-new", "")) : refusal();
  };
  store_tokens(30, world.now() - 2h);
  start_all(30);
  Plug slow_vault(world.store_thread);
  ASSERT_TRUE(asked(1));
  ASSERT_TRUE(asked(3));
  ASSERT_TRUE(world.until([this] { return client->gate().fault().has_value(); }));
  slow_vault.pull();
  ASSERT_TRUE(settled());
  live_through(10min, 1s);
  EXPECT_TRUE(client->gate().fault());
  EXPECT_EQ(3U, server.requests.size());
  EXPECT_EQ(0U, told("over after"));
  EXPECT_EQ(1, std::ranges::count_if(keepers, [](const auto& each) { return each->has_live_token(); }));
}

} // namespace
} // namespace mailmoor::mailbox
