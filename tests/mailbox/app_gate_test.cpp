// Many tokens of one app: who asks when, and what one answer means for all.
#include "mailbox/app_gate.h"

#include "mailbox/app_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::string_view kExpiredSecret =
    R"({"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired.","error_codes":[7000222]})";

class GateTest : public AppWorld {
 protected:
  void refuse_app() {
    server.answer = [](const auto&) { return HttpServer::json(401, std::string(kExpiredSecret)); };
  }
  void serve() {
    server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A-new", "")); };
  }
};

TEST_F(GateTest, ExpiredSecret_IsOneAlarmForAllAndNoneAsksAnyMore) {
  refuse_app();
  store_tokens(30, world.now() - 2h);
  start_all(30);
  live_through(10min, 1s);
  EXPECT_EQ(2U, server.requests.size());
  EXPECT_EQ(1U, alarms());
  ASSERT_TRUE(client->gate().fault());
  EXPECT_THAT(client->gate().fault()->what, HasSubstr("7000222"));
  for (const auto& each : keepers) {
    ASSERT_TRUE(each->trouble());
    EXPECT_EQ(ErrorKind::kApp, each->trouble()->kind);
    EXPECT_THAT(each->trouble()->remedy, HasSubstr("secret"));
  }
  EXPECT_EQ("app_misconfigured", ask(17));
  EXPECT_EQ(2U, server.requests.size());
  for (std::size_t n = 0; n < 30; ++n)
    EXPECT_EQ(concat("R", n, "-0"), stored(n));
}

TEST_F(GateTest, RefusedApp_IsProbedByOneOnASlowSchedule) {
  refuse_app();
  store_tokens(30, world.now() - 2h);
  start_all(30);
  live_through(48h, 1min);
  // After 1, 2, 4, 8, 16 hours, and the two that shut it.
  EXPECT_GE(server.requests.size(), 6U);
  EXPECT_LE(server.requests.size(), 8U);
  EXPECT_EQ(1U, alarms());
}

TEST_F(GateTest, ProbeThatSucceeds_LetsAllGoOnSpread) {
  refuse_app();
  store_tokens(30, world.now() - 2h);
  start_all(30, 60);
  live_through(1min, 1s);
  const std::size_t before = server.requests.size();
  const auto recovered = [&] {
    return std::ranges::all_of(keepers, [](const auto& each) { return !each->trouble() && each->has_live_token(); });
  };
  std::vector<runtime::WallTime> asked;
  server.answer = [&](const auto&) {
    asked.push_back(world.loop.wall_now());
    return HttpServer::json(200, grant_json("A-new", ""));
  };
  while (!recovered() && world.now() < UnixTime(1'700'000'000s) + 3h)
    live_through(1s, 1s);
  EXPECT_TRUE(recovered());
  EXPECT_EQ(30U, server.requests.size() - before);
  for (std::size_t i = 1; i < asked.size(); ++i)
    EXPECT_GE(asked[i] - asked[i - 1], 1s);
  EXPECT_LE(asked.back() - asked.front(), 40s);
  EXPECT_FALSE(client->gate().fault());
  EXPECT_THAT(world.logged.back().message, HasSubstr("over after"));
}

TEST_F(GateTest, Operator_HasTheAppAskedAtOnce) {
  refuse_app();
  store_tokens(5, world.now() - 2h);
  start_all(5);
  live_through(2min, 1s);
  serve();
  client->gate().ask_soon();
  live_through(10s, 1s);
  EXPECT_FALSE(client->gate().fault());
  EXPECT_EQ("A-new", ask(4));
}

TEST_F(GateTest, FaultOfOneAccount_StaysWithIt) {
  server.answer = [](const auto& request) {
    if (request.body.contains("R3-0"))
      return HttpServer::json(400, R"({"error":"invalid_grant","error_description":"AADSTS50057: disabled"})");
    return HttpServer::json(200, grant_json("A-new", ""));
  };
  store_tokens(10, world.now() - 2h);
  start_all(10);
  live_through(2min, 1s);
  EXPECT_FALSE(client->gate().fault());
  EXPECT_EQ("account_blocked", ask(3));
  EXPECT_EQ("A-new", ask(4));
  EXPECT_EQ(10U, server.requests.size());
}

TEST_F(GateTest, OneThatBlamesTheAppWhileOthersAreServed_IsNoFaultOfTheApp) {
  server.answer = [](const auto& request) {
    if (request.body.contains("R3-0")) return HttpServer::json(401, std::string(kExpiredSecret));
    return HttpServer::json(200, grant_json("A-new", ""));
  };
  store_tokens(10, world.now() - 2h);
  start_all(10);
  live_through(2h, 30s);
  EXPECT_FALSE(client->gate().fault());
  EXPECT_EQ("app_misconfigured", ask(3));
  EXPECT_EQ("A-new", ask(4));
}

TEST_F(GateTest, AppRefusedWhileAccessTokensLive_IsNoTroubleUntilTheyEnd) {
  refuse_app();
  store_tokens(10, world.now());
  start_all(10);
  live_through(50min, 10s);
  ASSERT_TRUE(client->gate().fault());
  EXPECT_EQ("A7", ask(7));
  EXPECT_FALSE(keepers[7]->trouble());
  live_through(11min, 10s);
  ASSERT_TRUE(keepers[7]->trouble());
  EXPECT_EQ("app_misconfigured", ask(7));
}

TEST_F(GateTest, RetryAfter_HoldsForAllTokensOfTheApp) {
  server.answer = [](const auto&) { return HttpServer::json(429, "{}", "Retry-After: 300\r\n"); };
  store_tokens(10, world.now() - 2h);
  start_all(10);
  EXPECT_EQ("token_endpoint_unavailable", ask(0));
  live_through(5s, 100ms);
  ASSERT_EQ(1U, server.requests.size());
  serve();
  EXPECT_EQ("token_endpoint_unavailable", ask(9));
  live_through(290s, 1s);
  EXPECT_EQ(1U, server.requests.size());
  live_through(6min, 1s);
  for (std::size_t n = 0; n < 10; ++n)
    EXPECT_EQ("A-new", ask(n));
}

TEST_F(GateTest, RetryAfter_HoldsForAllThroughARestart) {
  server.answer = [](const auto&) { return HttpServer::json(503, "<html>", "Retry-After: 300\r\n"); };
  store_tokens(10, world.now() - 2h);
  start_all(10);
  EXPECT_EQ("token_endpoint_unavailable", ask(0));
  live_through(5s, 100ms);
  ASSERT_EQ(1U, server.requests.size());
  start_all(10);
  live_through(4min, 1s);
  EXPECT_EQ(1U, server.requests.size());
  EXPECT_EQ("token_endpoint_unavailable", ask(9));
}

TEST_F(GateTest, ThrottleOfOneUser_HoldsUpNobodyElse) {
  server.answer = [](const auto& request) {
    if (request.body.contains("R3-0"))
      return HttpServer::json(400, R"({"error":"invalid_grant","error_codes":[50196]})");
    return HttpServer::json(200, grant_json("A-new", ""));
  };
  store_tokens(10, world.now() - 2h);
  start_all(10);
  live_through(1min, 1s);
  EXPECT_EQ("A-new", ask(9));
  EXPECT_EQ("token_endpoint_unavailable", ask(3));
}

TEST_F(GateTest, TokenThatSomebodyWaitsFor_GoesFirst) {
  serve();
  store_tokens(40, world.now() - 2h);
  start_all(40, 60);     // one a second
  live_through(31s, 1s); // all stand in line
  ASSERT_LT(server.requests.size(), 35U);
  const auto waits = [this](std::size_t n) { return !keepers[n]->has_live_token(); };
  std::size_t last = 39;
  while (!waits(last))
    --last;
  Asker asker(keepers[last]->access_token());
  live_through(2s, 1s);
  ASSERT_TRUE(asker.result);
  EXPECT_EQ("A-new", shown(*asker.result));
}

TEST_F(GateTest, QueueLongerThanPatience_SaysSo) {
  serve();
  store_tokens(5, world.now() - 2h);
  start_all(5, 1);
  std::list<Asker> askers;
  for (auto& each : keepers)
    askers.emplace_back(each->access_token());
  live_through(100s, 1s);
  ASSERT_TRUE(askers.back().result);
  EXPECT_EQ("token_refresh_queued", shown(*askers.back().result));
}

TEST_F(GateTest, RetiredInLine_MakesRoom) {
  serve();
  store_tokens(5, world.now() - 2h);
  start_all(5, 1);
  live_through(31s, 1s);
  ASSERT_EQ(4U, client->gate().waiting());
  for (auto& each : keepers)
    each->retire();
  world.run_ready();
  EXPECT_EQ(0U, client->gate().waiting());
}

} // namespace
} // namespace mailmoor::mailbox
