#include "mailbox/device_login.h"
#include "mailbox/token_world.h"

#include <deque>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class DeviceLoginTest : public TokenWorld {
 protected:
  void SetUp() override {
    client = std::make_unique<OauthClient>(world.services, settings());
    server.answer = [this](const HttpServer::Request& request) {
      if (request.target == "/device") return device_reply;
      if (polls.empty()) return refused("authorization_pending");
      const HttpServer::Reply reply = polls.front();
      polls.pop_front();
      return reply;
    };
  }
  [[nodiscard]] static HttpServer::Reply refused(std::string_view error) {
    return HttpServer::json(400, concat(R"({"error":")", error, "\"}"));
  }
  void begin() {
    runner.start(sign_in_by_device_code(
                     world.services, *client, [this](const DevicePrompt& shown) { prompts.push_back(shown); },
                     [this] { return is_wanted; }),
                 [this](Result<SignIn> given) { result.emplace(std::move(given)); });
  }
  void begin_and_prompt() {
    begin();
    ASSERT_TRUE(world.until([&] { return !prompts.empty(); }));
  }
  // Whether the next poll comes after exactly this wait. libcurl's own timers are 200 ms or more than 25 s ahead.
  [[nodiscard]] bool polls_after(std::chrono::seconds wait) {
    const auto left = [this] { return world.loop.next_timer() - world.loop.now(); };
    if (!world.until([&] { return result || (left() > 1s && left() <= 25s); }) || result) return false;
    EXPECT_LE(left(), wait);
    EXPECT_GE(left(), wait - 20ms);
    const std::size_t before = server.asked("/token");
    world.clock.advance(left());
    return world.until([&] { return result || server.asked("/token") > before; });
  }
  [[nodiscard]] bool ends() {
    return world.until([this] { return result.has_value(); });
  }
  HttpServer::Reply device_reply = HttpServer::json(
      200,
      R"({"device_code":"DC","user_code":"ABCD","verification_uri":"https://id.example/d","expires_in":60,"interval":5})");
  std::deque<HttpServer::Reply> polls;
  std::vector<DevicePrompt> prompts;
  bool is_wanted = true;
  std::optional<Result<SignIn>> result;
  runtime::TaskRunner<Result<SignIn>> runner;
};

TEST_F(DeviceLoginTest, PromptComesOnceAndInALaterTurn) {
  begin();
  EXPECT_TRUE(prompts.empty());
  ASSERT_TRUE(world.until([&] { return !prompts.empty(); }));
  EXPECT_EQ("ABCD", prompts[0].user_code);
  EXPECT_EQ("https://id.example/d", prompts[0].verification_uri);
  EXPECT_EQ(world.now() + 60s, prompts[0].expires_at);
  ASSERT_TRUE(polls_after(5s));
  EXPECT_EQ(1U, prompts.size());
}

TEST_F(DeviceLoginTest, PendingThenGranted_GivesTheGrantAndWhenItWasAskedFor) {
  polls = {refused("authorization_pending"), HttpServer::json(200, grant_json("A1", "R1"))};
  begin_and_prompt();
  ASSERT_TRUE(polls_after(5s));
  ASSERT_TRUE(polls_after(5s));
  const UnixTime asked_at = world.now();
  ASSERT_TRUE(ends() && *result);
  EXPECT_EQ("A1", (*result)->grant.access_token.reveal());
  EXPECT_EQ("R1", (*result)->grant.refresh_token.reveal());
  EXPECT_EQ(asked_at, (*result)->asked_at);
  EXPECT_THAT(server.requests.back().body, HasSubstr("device_code=DC"));
}

TEST_F(DeviceLoginTest, SlowDown_AddsFiveSecondsForGood) {
  polls = {refused("slow_down"), refused("authorization_pending"), HttpServer::json(200, grant_json("A1", "R1"))};
  begin_and_prompt();
  ASSERT_TRUE(polls_after(5s));
  ASSERT_TRUE(polls_after(10s));
  ASSERT_TRUE(polls_after(10s));
  EXPECT_TRUE(ends() && *result);
}

TEST_F(DeviceLoginTest, TimeScale_DoesNotHurryTheServersInterval) {
  world.services.time_scale = 0.01;
  polls = {HttpServer::json(200, grant_json("A1", "R1"))};
  begin_and_prompt();
  ASSERT_TRUE(polls_after(5s));
  EXPECT_TRUE(ends() && *result);
}

TEST_F(DeviceLoginTest, Declined_EndsIt) {
  polls = {refused("access_denied")};
  begin_and_prompt();
  ASSERT_TRUE(polls_after(5s));
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("login_declined", result->error().code);
  EXPECT_EQ(runtime::MonoTime::max(), world.loop.next_timer()) << "nothing is left to wait for";
}

TEST_F(DeviceLoginTest, CodeThatRunsOut_EndsIt) {
  begin_and_prompt();
  // 60 s, and one interval for who signs in at the last second.
  for (int i = 0; i < 12; ++i)
    ASSERT_TRUE(polls_after(5s));
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("login_code_expired", result->error().code);
}

TEST_F(DeviceLoginTest, NetworkFaultInBetween_DoesNotEndIt) {
  device_reply.headers += "Connection: close\r\n"; // on a kept one libcurl would ask again by itself
  polls = {HttpServer::Reply{.body = "", .breaks_off = true}, HttpServer::json(503, "<html>"),
           HttpServer::json(200, grant_json("A1", "R1"))};
  begin_and_prompt();
  ASSERT_TRUE(polls_after(5s));
  ASSERT_TRUE(polls_after(10s));
  ASSERT_TRUE(polls_after(20s));
  EXPECT_TRUE(ends() && *result);
}

TEST_F(DeviceLoginTest, AskerGone_NothingIsSentAnyMore) {
  begin_and_prompt();
  is_wanted = false;
  world.pass(5s);
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("login_abandoned", result->error().code);
  EXPECT_EQ(0U, server.asked("/token"));
}

TEST_F(DeviceLoginTest, AskerGoneAtOnce_NothingIsSentAtAll) {
  begin();
  is_wanted = false;
  ASSERT_TRUE(world.until([&] { return result.has_value(); }));
  EXPECT_EQ("login_abandoned", result->error().code);
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(DeviceLoginTest, ServerWithoutDeviceFlow_IsSaidSoInALaterTurn) {
  OauthClientSettings made = settings();
  made.registration.endpoints.device_authorization.clear();
  client = std::make_unique<OauthClient>(world.services, std::move(made));
  begin();
  EXPECT_FALSE(result) << "never from inside the call: the caller holds nothing yet";
  ASSERT_TRUE(world.until([&] { return result.has_value(); }));
  EXPECT_EQ("no_device_flow", result->error().code);
}

TEST_F(DeviceLoginTest, DeviceEndpointRefuses_SaysWhy) {
  device_reply = HttpServer::json(400, R"({"error":"unauthorized_client","error_description":"not for you"})");
  begin();
  ASSERT_TRUE(world.until([&] { return result.has_value(); }));
  EXPECT_EQ("app_misconfigured", result->error().code);
  EXPECT_THAT(result->error().what, HasSubstr("not for you"));
}

TEST_F(DeviceLoginTest, Cancelled_StopsPolling) {
  begin_and_prompt();
  runner.cancel();
  world.pass(1min);
  EXPECT_EQ(0U, server.asked("/token"));
}

} // namespace
} // namespace mailmoor::mailbox
