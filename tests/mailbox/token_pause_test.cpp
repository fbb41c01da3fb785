// P9 for the token endpoint: no request inside a pause that it imposed, a restart included.
#include "mailbox/token_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class PauseTest : public TokenWorld {
 protected:
  // Runs a refresh into a refusal with this Retry-After.
  void be_refused(std::string retry_after) {
    server.answer = [line = concat("Retry-After: ", retry_after, "\r\n")](const auto&) {
      return HttpServer::json(503, "{}", line);
    };
    store_token("A1", "R1", world.now() - 2h);
    start();
    EXPECT_EQ("token_endpoint_unavailable", access_token());
    ASSERT_EQ(1U, server.requests.size());
    server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  }
  // Whether nobody gets a request out of the keeper now.
  [[nodiscard]] bool is_silent() {
    const bool refused = access_token() == "token_endpoint_unavailable";
    world.run_ready();
    return refused && !keeper->is_refreshing() && server.requests.size() == 1;
  }
};

TEST_F(PauseTest, Seconds_AreKept) {
  be_refused("300");
  EXPECT_TRUE(is_silent());
  world.pass(299s);
  EXPECT_TRUE(is_silent());
  world.pass(31s); // with the tenth that spreads many
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("A2", access_token());
  EXPECT_EQ(2U, server.requests.size());
}

TEST_F(PauseTest, Date_IsKept) {
  // The world begins at 2023-11-14T22:13:20Z.
  be_refused("Tue, 14 Nov 2023 22:18:20 GMT");
  world.pass(299s);
  EXPECT_TRUE(is_silent());
  world.pass(31s);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("A2", access_token());
}

TEST_F(PauseTest, Restart_IsNoWayAround) {
  be_refused("300");
  world.pass(100s);
  start();
  EXPECT_TRUE(is_silent());
  world.pass(199s);
  EXPECT_TRUE(is_silent());
  world.pass(31s);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("A2", access_token());
}

TEST_F(PauseTest, DestroyedWhileThePauseIsBeingWritten_RestartKeepsIt) {
  server.answer = [](const auto&) { return HttpServer::json(503, "{}", "Retry-After: 300\r\n"); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  testing::Plug slow_disk(world.store_thread);
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  keeper.reset();
  slow_disk.pull();
  world.run_ready();
  start();
  EXPECT_TRUE(is_silent());
}

TEST_F(PauseTest, TimeScale_DoesNotShortenIt) {
  world.services.time_scale = 0.001;
  be_refused("300");
  world.pass(299s);
  EXPECT_TRUE(is_silent());
}

TEST_F(PauseTest, TimeScale_ShortensOurOwnWaits) {
  world.services.time_scale = 0.01;
  server.answer = [](const auto&) { return HttpServer::json(503, "{}"); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  world.pass(20ms);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ(2U, server.requests.size());
}

TEST_F(PauseTest, NewSignIn_IsUsedAndSendsNothingEither) {
  be_refused("300");
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  const auto token = world.finish(keeper->access_token());
  ASSERT_EQ("A9", shown(token));
  // The mail server refuses it: a newer one would take a request.
  const auto newer = world.finish(keeper->access_token_after(token->generation));
  EXPECT_FALSE(newer);
  EXPECT_EQ(1U, server.requests.size());
}

TEST_F(PauseTest, ClockSetBackByAYear_DoesNotMakeAPauseOfAYear) {
  be_refused("300");
  world.clock.jump_wall(-24h * 365);
  for (int i = 0; i < 28; ++i)
    world.pass(1h);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("A2", access_token());
}

TEST_F(PauseTest, ErrorForMailboxes_CarriesNoPause) {
  // It is the token endpoint's word; a new sign-in may let a mailbox in before it is over.
  be_refused("300");
  const auto token = world.finish(keeper->access_token());
  ASSERT_FALSE(token);
  EXPECT_FALSE(token.error().imposed_wait);
  EXPECT_THAT(token.error().what, HasSubstr("503"));
}

TEST_F(PauseTest, InvalidGrantThatIsAThrottle_WaitsAsLongAsItNeeds) {
  server.answer = [](const auto&) {
    return HttpServer::json(
        400, R"({"error":"invalid_grant","error_description":"AADSTS50196: loop","error_codes":[50196]})");
  };
  store_token("A1", "R1", world.now() - 2h);
  start();
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  EXPECT_FALSE(keeper->trouble());
  world.pass(2min);
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  EXPECT_EQ(1U, server.requests.size());
}

} // namespace
} // namespace mailmoor::mailbox
