#include "mailbox/redirect_login.h"
#include "mailbox/token_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// base64url of 32 times the letter s.
constexpr std::string_view kState = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M";

class RedirectLoginTest : public TokenWorld {
 protected:
  void SetUp() override {
    use(settings());
    server.answer = [this](const HttpServer::Request&) { return token_reply; };
  }
  void use(OauthClientSettings made) {
    if (made.registration.endpoints.authorization.empty() && has_page)
      made.registration.endpoints.authorization = "https://id.example/auth";
    client = std::make_unique<OauthClient>(world.services, std::move(made));
  }
  void begin() {
    oauth::AuthorizationWishes wishes;
    wishes.redirect_uri = "http://127.0.0.1:4711";
    const std::string random = std::string(32, 'v') + std::string(32, 's');
    runner.start(sign_in_by_redirect(
                     world.services, *client, std::move(wishes), Secret(random),
                     [this](const RedirectPrompt& shown) { prompts.push_back(shown); }, entry),
                 [this](Result<SignIn> given) { result.emplace(std::move(given)); });
  }
  void begin_and_prompt() {
    begin();
    ASSERT_TRUE(world.until([&] { return !prompts.empty(); }));
  }
  [[nodiscard]] static oauth::RedirectReply reply(std::string_view state = kState) {
    oauth::RedirectReply made;
    made.code = Secret("CODE");
    made.state = Secret(state);
    return made;
  }
  [[nodiscard]] bool ends() {
    return world.until([this] { return result.has_value(); });
  }

  bool has_page = true;
  HttpServer::Reply token_reply = HttpServer::json(200, grant_json("A1", "R1"));
  RedirectEntry entry{world.loop};
  std::vector<RedirectPrompt> prompts;
  std::optional<Result<SignIn>> result;
  runtime::TaskRunner<Result<SignIn>> runner;
};

TEST_F(RedirectLoginTest, PromptComesOnceAndInALaterTurn) {
  begin();
  EXPECT_TRUE(prompts.empty());
  EXPECT_FALSE(entry.takes(reply())) << "nobody has seen the address yet";
  ASSERT_TRUE(world.until([&] { return !prompts.empty(); }));
  EXPECT_THAT(prompts[0].authorization_url, HasSubstr("https://id.example/auth?response_type=code&client_id=client"));
  EXPECT_THAT(prompts[0].authorization_url, HasSubstr(concat("&state=", kState, "&")));
  EXPECT_EQ(world.now() + 1h, prompts[0].expires_at);
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(RedirectLoginTest, Answer_IsRedeemedForTheGrant) {
  begin_and_prompt();
  EXPECT_FALSE(entry.takes(reply("another")));
  ASSERT_TRUE(entry.takes(reply()));
  const UnixTime asked_at = world.now();
  entry.hand_in(reply());
  EXPECT_TRUE(entry.is_answered());
  ASSERT_TRUE(ends() && *result);
  EXPECT_EQ("A1", (*result)->grant.access_token.reveal());
  EXPECT_EQ("R1", (*result)->grant.refresh_token.reveal());
  EXPECT_EQ(asked_at, (*result)->asked_at);
  ASSERT_EQ(1U, server.asked("/token"));
  EXPECT_THAT(server.requests.back().body, HasSubstr("grant_type=authorization_code&client_id=client&code=CODE"));
  EXPECT_THAT(server.requests.back().body, HasSubstr("&code_verifier=dnZ2dnZ2"));
  EXPECT_FALSE(entry.takes(reply())) << "closed";
}

TEST_F(RedirectLoginTest, ServerSaidNo_EndsItWithoutARequest) {
  begin_and_prompt();
  oauth::RedirectReply no = reply();
  no.code = Secret();
  no.error = "access_denied";
  entry.hand_in(std::move(no));
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("login_declined", result->error().code);
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(RedirectLoginTest, CodeThatIsRefused_SaysWhy) {
  token_reply = HttpServer::json(400, R"({"error":"invalid_client","error_description":"not you"})");
  begin_and_prompt();
  entry.hand_in(reply());
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("app_misconfigured", result->error().code);
  EXPECT_THAT(result->error().what, HasSubstr("not you"));
}

TEST_F(RedirectLoginTest, NobodyComesBack_EndsWithinTheHour) {
  begin_and_prompt();
  world.pass(59min);
  EXPECT_FALSE(result);
  world.pass(1min);
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("login_link_expired", result->error().code);
  EXPECT_FALSE(entry.takes(reply()));
}

TEST_F(RedirectLoginTest, AskerGone_EndsItAtOnce) {
  begin_and_prompt();
  entry.abandon();
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("login_abandoned", result->error().code);
  EXPECT_FALSE(entry.takes(reply()));
}

TEST_F(RedirectLoginTest, AskerGoneAfterTheAnswer_DoesNotLoseTheGrant) {
  begin_and_prompt();
  entry.hand_in(reply());
  entry.abandon();
  ASSERT_TRUE(ends());
  EXPECT_TRUE(*result);
}

TEST_F(RedirectLoginTest, AskerGoneAtOnce_NothingIsShown) {
  begin();
  entry.abandon();
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("login_abandoned", result->error().code);
  EXPECT_TRUE(prompts.empty());
}

TEST_F(RedirectLoginTest, ServerWithoutSuchAPage_IsSaidSo) {
  has_page = false;
  use(settings());
  begin();
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("no_browser_flow", result->error().code);
}

TEST_F(RedirectLoginTest, IssuerThatIsConfigured_MustHaveAnswered) { // RFC 9207 §2.4
  OauthClientSettings made = settings();
  made.registration.endpoints.issuer = "https://id.example";
  use(std::move(made));
  begin_and_prompt();
  oauth::RedirectReply foreign = reply();
  foreign.issuer = "https://evil.example";
  entry.hand_in(std::move(foreign));
  ASSERT_TRUE(ends() && !*result);
  EXPECT_EQ("wrong_issuer", result->error().code);
  EXPECT_TRUE(server.requests.empty()) << "the code goes nowhere";
}

TEST_F(RedirectLoginTest, Cancelled_ClosesTheEntry) {
  begin_and_prompt();
  runner.cancel();
  EXPECT_FALSE(entry.takes(reply()));
}

} // namespace
} // namespace mailmoor::mailbox
