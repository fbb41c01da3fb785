// Tokens that need no person.
#include "mailbox/token_world.h"
#include "oauth/service_account.h"
#include "support/rsa_identity.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::HttpServer;
using ::testing::Not;

class AppToken : public TokenWorld {
 protected:
  void start_app(oauth::AppGrant grant = oauth::AppGrant::kClientCredentials, std::string user = {}) {
    keeper.reset();
    OauthClientSettings made = settings();
    made.registration.scopes = {"https://outlook.office365.com/.default"};
    if (grant == oauth::AppGrant::kServiceAccount)
      made.registration.service_account = account;
    else if (certificate)
      made.registration.certificate = certificate;
    else
      made.registration.client_secret = Secret(secret);
    client = std::make_unique<OauthClient>(world.services, std::move(made));
    TokenSource source;
    source.app_grant = grant;
    source.user = std::move(user);
    keeper = std::make_unique<TokenKeeper>(world.services, *client, "app/", "alice", std::move(source));
    keeper->start();
    world.run_ready();
  }
  void grant_tokens() {
    server.answer = [this](const HttpServer::Request&) {
      return HttpServer::json(200, grant_json(concat("access", server.requests.size()), ""));
    };
  }
  [[nodiscard]] bool asked(std::size_t times) {
    return world.until([&] { return server.requests.size() == times; });
  }
  [[nodiscard]] std::string parameter(std::size_t request, std::string_view name) {
    const std::string& body = server.requests.at(request).body;
    const std::size_t at = body.find(concat(name, "="));
    if (at == std::string::npos) return "none";
    const std::size_t start = at + name.size() + 1;
    return body.substr(start, body.find('&', start) - start);
  }

  std::string secret = "s3cret";
  std::shared_ptr<const oauth::ClientCertificate> certificate;
  std::shared_ptr<const oauth::ServiceAccount> account;
};

TEST_F(AppToken, ManyWhoWait_CostOneRequest) {
  grant_tokens();
  server.hold();
  start_app();
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 50; ++i)
    askers.push_back(std::make_unique<Asker>(keeper->access_token()));
  ASSERT_TRUE(asked(1));
  server.release();
  ASSERT_TRUE(world.until([&] { return askers.back()->result.has_value(); }));
  for (const auto& asker : askers)
    EXPECT_EQ("access1", shown(*asker->result));
  EXPECT_EQ(1U, server.requests.size());
  EXPECT_EQ("grant_type=client_credentials&client_id=client&client_secret=s3cret"
            "&scope=https%3A%2F%2Foutlook.office365.com%2F.default",
            server.requests[0].body);
}

TEST_F(AppToken, NothingOfIt_IsInTheVault) {
  server.answer = [](const HttpServer::Request&) {
    return HttpServer::json(200, grant_json("access", "refresh that should not be"));
  };
  start_app();
  EXPECT_EQ("access", access_token());
  world.run_ready();
  EXPECT_TRUE(world.vault.list_tokens_blocking()->empty());
}

TEST_F(AppToken, Restart_AsksAnew) {
  grant_tokens();
  start_app();
  EXPECT_EQ("access1", access_token());
  start_app();
  EXPECT_EQ("access2", access_token());
}

TEST_F(AppToken, BeforeItsEnd_TheNextOneIsThere) {
  grant_tokens();
  start_app();
  EXPECT_EQ("access1", access_token());
  world.pass(30min - 2s);
  EXPECT_EQ(1U, server.requests.size());
  world.pass(15min + 2s); // the latest time for it
  ASSERT_TRUE(asked(2));
  ASSERT_TRUE(world.until([this] { return keeper->expires_at() > std::optional(world.now() + 50min); }));
  EXPECT_EQ("access2", access_token());
  EXPECT_EQ(2U, server.requests.size());
}

TEST_F(AppToken, TokenThatTheMailServerRefused_IsReplaced) {
  grant_tokens();
  start_app();
  const auto first = world.finish(keeper->access_token());
  ASSERT_TRUE(first);
  world.pass(1s); // the app's pace
  EXPECT_EQ("access2", shown(world.finish(keeper->access_token_after(first->generation))));
}

TEST_F(AppToken, BeforeAnyAnswer_NobodyIsToldToLogIn) {
  server.hold();
  start_app();
  EXPECT_FALSE(keeper->trouble());
}

TEST_F(AppToken, RefusedSecret_IsTheAppsMatterAndNeverALogin) {
  server.answer = [](const HttpServer::Request&) {
    return HttpServer::json(401, R"({"error":"invalid_client","error_description":"AADSTS7000222: expired",)"
                                 R"("error_codes":[7000222]})");
  };
  start_app();
  const auto token = world.finish(keeper->access_token());
  ASSERT_FALSE(token);
  EXPECT_EQ(ErrorKind::kApp, token.error().kind);
  EXPECT_EQ("app_misconfigured", token.error().code);
  ASSERT_TRUE(keeper->trouble());
  EXPECT_THAT(keeper->trouble()->remedy, Not(HasSubstr("login")));
}

TEST_F(AppToken, WhateverWasRefused_IsNeverALogin) {
  for (const std::string_view error : {"invalid_grant", "login_required", "access_denied", "expired_token"}) {
    server.answer = [error](const HttpServer::Request&) {
      return HttpServer::json(400, concat(R"({"error":")", error, "\"}"));
    };
    start_app();
    const auto token = world.finish(keeper->access_token());
    ASSERT_FALSE(token);
    EXPECT_NE("login_needed", token.error().code) << error;
    EXPECT_THAT(token.error().remedy, Not(HasSubstr("login"))) << error;
  }
}

TEST_F(AppToken, NewSecret_IsTriedAtOnce) {
  server.answer = [](const HttpServer::Request& request) {
    return request.body.contains("client_secret=new") ? HttpServer::json(200, grant_json("access", ""))
                                                      : HttpServer::json(401, R"({"error":"invalid_client"})");
  };
  start_app();
  EXPECT_EQ("app_misconfigured", access_token());
  EXPECT_EQ("app_misconfigured", access_token());
  EXPECT_EQ(1U, server.requests.size()) << "probed slowly";
  oauth::ClientRegistration read_anew;
  read_anew.client_secret = Secret("s3cret");
  EXPECT_FALSE(client->renew(std::move(read_anew)));
  oauth::ClientRegistration other;
  other.client_secret = Secret("new");
  EXPECT_TRUE(client->renew(std::move(other)));
  world.pass(61s); // a refused app is asked once a minute at most, whatever its operator does
  EXPECT_EQ(1U, server.requests.size());
  keeper->try_again();
  ASSERT_TRUE(asked(2));
  EXPECT_EQ("access", access_token());
}

TEST_F(AppToken, ImposedPause_HoldsAcrossARestartAndANewSecret) {
  server.answer = [](const HttpServer::Request&) { return HttpServer::json(429, "{}", "Retry-After: 600\r\n"); };
  start_app();
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  world.run_ready();
  grant_tokens();
  start_app();
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  keeper->try_again();
  world.pass(590s);
  EXPECT_EQ(1U, server.requests.size());
  world.pass(100s); // the pause and up to a tenth of it
  ASSERT_TRUE(asked(2));
}

TEST_F(AppToken, Certificate_SignsEachRequestAnew) {
  certificate = std::make_shared<oauth::ClientCertificate>(
      oauth::ClientCertificate::parse(testing::identity().certificate_pem, testing::identity().key_pem).value());
  grant_tokens();
  start_app();
  const auto first = world.finish(keeper->access_token());
  ASSERT_TRUE(first);
  world.pass(1s); // the app's pace
  ASSERT_TRUE(world.finish(keeper->access_token_after(first->generation)));
  const std::string one = parameter(0, "client_assertion");
  const std::string two = parameter(1, "client_assertion");
  EXPECT_TRUE(testing::jwt_is_signed_by(one, testing::identity().key.get(), /*pss=*/true));
  EXPECT_TRUE(testing::jwt_is_signed_by(two, testing::identity().key.get(), /*pss=*/true));
  const auto jti = [](const std::string& jwt) {
    const std::string claims = testing::jwt_part(jwt, 1);
    return claims.substr(claims.find("\"jti\":\"") + 7, 36);
  };
  EXPECT_NE(jti(one), jti(two));
  EXPECT_THAT(jti(one), ::testing::MatchesRegex(
                            "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")); // RFC 9562 §5.4
  EXPECT_EQ("none", parameter(0, "client_secret"));
}

TEST_F(AppToken, ServiceAccount_AsksInTheUsersName) {
  auto key = oauth::SigningKey::parse(testing::identity().key_pem);
  ASSERT_TRUE(key);
  account = std::make_shared<oauth::ServiceAccount>(
      oauth::ServiceAccount{*std::move(key), "key1", "mail@project.example", ""});
  grant_tokens();
  start_app(oauth::AppGrant::kServiceAccount, "carol@example.com");
  EXPECT_EQ("access1", access_token());
  const std::string jwt = parameter(0, "assertion");
  EXPECT_TRUE(testing::jwt_is_signed_by(jwt, testing::identity().key.get(), /*pss=*/false));
  EXPECT_THAT(testing::jwt_part(jwt, 1), HasSubstr(R"("iss":"mail@project.example","sub":"carol@example.com")"));
  EXPECT_EQ("none", parameter(0, "client_id"));
}

} // namespace
} // namespace mailmoor::mailbox
