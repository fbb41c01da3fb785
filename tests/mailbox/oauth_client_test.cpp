#include "mailbox/token_world.h"

#include <list>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class DiscoveryTest : public TokenWorld {
 protected:
  void SetUp() override {
    OauthClientSettings made;
    made.registration.app_name = "app";
    made.registration.client_id = "client";
    made.registration.endpoints.issuer = server.url("");
    made.discovers = true;
    client = std::make_unique<OauthClient>(world.services, std::move(made));
    server.answer = [this](const HttpServer::Request& request) {
      return request.target == "/.well-known/openid-configuration" ? HttpServer::json(200, metadata())
                                                                   : HttpServer::json(404, "{}");
    };
  }
  [[nodiscard]] std::string metadata() {
    return concat(R"({"issuer":")", server.url(""), R"(","token_endpoint":")", server.url("/t"),
                  R"(","device_authorization_endpoint":")", server.url("/d"), "\"}");
  }
  using Ready = Result<const oauth::ClientRegistration*>;
  struct Waiter {
    explicit Waiter(runtime::Task<Ready> task) {
      runner.start(std::move(task), [this](Ready ready) { result.emplace(std::move(ready)); });
    }
    std::optional<Ready> result;
    runtime::TaskRunner<Ready> runner;
  };
  // As many as want to know the endpoints at once.
  void wait_for(int count) {
    for (int i = 0; i < count; ++i)
      waiters.emplace_back(client->ready());
    ASSERT_TRUE(
        world.until([&] { return std::ranges::all_of(waiters, [](auto& w) { return w.result.has_value(); }); }));
  }
  [[nodiscard]] std::string outcome(const Waiter& waiter) {
    return *waiter.result ? (**waiter.result)->endpoints.token : waiter.result->error().code;
  }
  std::list<Waiter> waiters;
};

TEST_F(DiscoveryTest, Many_CauseOneDiscovery) {
  wait_for(50);
  for (const Waiter& waiter : waiters)
    EXPECT_EQ(server.url("/t"), outcome(waiter));
  EXPECT_EQ(2U, server.requests.size()); // RFC 8414's place, then OpenID's
  wait_for(1);
  EXPECT_EQ(2U, server.requests.size());
}

TEST_F(DiscoveryTest, Failure_IsToldToAllWhoWaitAndTriedAgainSoon) {
  server.answer = [](const auto&) { return HttpServer::json(404, "{}"); };
  wait_for(50);
  for (const Waiter& waiter : waiters)
    EXPECT_EQ("metadata_invalid", outcome(waiter));
  EXPECT_EQ(2U, server.requests.size());
  SetUp();
  world.pass(5s);
  wait_for(1);
  EXPECT_EQ(server.url("/t"), outcome(waiters.back()));
}

TEST_F(DiscoveryTest, ImposedPause_IsKeptByEveryone) {
  server.answer = [](const auto&) { return HttpServer::json(503, "{}", "Retry-After: 300\r\n"); };
  world.services.time_scale = 0.001;
  wait_for(1);
  EXPECT_EQ("token_endpoint_unavailable", outcome(waiters.back()));
  EXPECT_EQ(300s, waiters.back().result->error().imposed_wait);
  server.answer = [this](const auto&) { return HttpServer::json(200, metadata()); };
  world.pass(299s);
  wait_for(1);
  EXPECT_EQ("token_endpoint_unavailable", outcome(waiters.back()));
  EXPECT_GT(waiters.back().result->error().imposed_wait, 0ms);
  EXPECT_LE(waiters.back().result->error().imposed_wait, 1s);
  EXPECT_EQ(1U, server.requests.size());
  world.pass(1s);
  wait_for(1);
  EXPECT_EQ(server.url("/t"), outcome(waiters.back()));
}

TEST_F(DiscoveryTest, KeeperThatMeetsAPause_KeepsIt) {
  server.answer = [](const auto&) { return HttpServer::json(429, "{}", "Retry-After: 300\r\n"); };
  store_token("A1", "R1", world.now() - 2h);
  keeper = std::make_unique<TokenKeeper>(world.services, *client, std::string(kTokenId), "alice");
  keeper->start();
  world.run_ready();
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  world.pass(299s);
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  EXPECT_FALSE(keeper->is_refreshing());
  EXPECT_EQ(1U, server.requests.size());
}

TEST_F(DiscoveryTest, EndpointByName_WinsOverTheMetadata) {
  OauthClientSettings made;
  made.registration.client_id = "client";
  made.registration.endpoints.issuer = server.url("");
  made.registration.endpoints.device_authorization = server.url("/mine");
  made.discovers = true;
  client = std::make_unique<OauthClient>(world.services, std::move(made));
  wait_for(1);
  EXPECT_EQ(server.url("/t"), outcome(waiters.back()));
  EXPECT_EQ(server.url("/mine"), (**waiters.back().result)->endpoints.device_authorization);
}

TEST_F(DiscoveryTest, MetadataOfAnotherIssuer_IsRefused) {
  server.answer = [this](const auto&) {
    return HttpServer::json(200,
                            concat(R"({"issuer":"https://evil.example","token_endpoint":")", server.url("/t"), "\"}"));
  };
  wait_for(1);
  EXPECT_EQ("metadata_invalid", outcome(waiters.back()));
  EXPECT_THAT(waiters.back().result->error().what, HasSubstr("evil.example"));
}

TEST_F(DiscoveryTest, Redirect_IsNotFollowed) {
  server.answer = [this](const auto& request) {
    return request.target == "/moved" ? HttpServer::json(200, metadata())
                                      : HttpServer::json(302, "", concat("Location: ", server.url("/moved"), "\r\n"));
  };
  wait_for(1);
  EXPECT_EQ("metadata_invalid", outcome(waiters.back()));
  EXPECT_EQ(0U, server.asked("/moved"));
}

TEST_F(DiscoveryTest, EndlessAnswer_IsCutOff) {
  server.answer = [](const auto&) { return HttpServer::json(200, std::string(oauth::kMaxReplyBytes + 1, ' ')); };
  wait_for(1);
  EXPECT_EQ("answer_too_large", outcome(waiters.back()));
}

} // namespace
} // namespace mailmoor::mailbox
