#include "oauth/authorization_flow.h"

#include "oauth/authorization_preset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using testing::HasSubstr;
using testing::Not;

// RFC 7636 Appendix B, as octets and as they are encoded there; then 32 more for the state.
constexpr unsigned char kVerifierOctets[] = {116, 24,  223, 180, 151, 153, 224, 37,  79,  250, 96,
                                             125, 216, 173, 187, 186, 22,  212, 37,  77,  105, 214,
                                             191, 240, 91,  88,  5,   88,  83,  132, 141, 121};
constexpr std::string_view kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr std::string_view kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
constexpr std::string_view kState = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

Secret random_octets() {
  Secret random({reinterpret_cast<const char*>(kVerifierOctets), sizeof kVerifierOctets});
  random.append(std::string(32, '\1'));
  return random;
}

ClientRegistration app() {
  ClientRegistration client;
  client.app_name = "lab";
  client.endpoints = {.issuer = {},
                      .device_authorization = {},
                      .authorization = "https://id.example/auth",
                      .token = "https://id.example/token"};
  client.client_id = "s6BhdRkqt3";
  client.scopes = {"imap", "offline_access"};
  return client;
}

AuthorizationWishes wishes() {
  return {.redirect_uri = "http://127.0.0.1:4711",
          .login_hint = "alice@example.org",
          .parameters = {{"prompt", "consent"}},
          .issuer = "https://id.example"};
}

RedirectReply reply_with(std::string_view state = kState) {
  RedirectReply reply;
  reply.code = Secret("SplxlOBeZQQYbYS6WxSbIA");
  reply.state = Secret(state);
  return reply;
}

class Authorization : public testing::Test {
 protected:
  AuthorizationFlow flow_{app(), wishes(), random_octets()};
};

TEST(S256Challenge, IsTheVectorOfTheRfc) { // RFC 7636 Appendix B
  EXPECT_EQ(s256_challenge(kVerifier), kChallenge);
}

TEST_F(Authorization, Url_HasEverythingOnce) { // RFC 6749 §4.1.1, RFC 7636 §4.3
  EXPECT_EQ(flow_.url(), "https://id.example/auth?response_type=code&client_id=s6BhdRkqt3"
                         "&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711&scope=imap+offline_access"
                         "&state=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
                         "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
                         "&login_hint=alice%40example.org&prompt=consent");
  EXPECT_THAT(flow_.url(), Not(HasSubstr(std::string(kVerifier))));
}

TEST_F(Authorization, EndpointWithAQuery_KeepsIt) { // RFC 6749 §3.1
  ClientRegistration client = app();
  client.endpoints.authorization = "https://id.example/auth?tenant=a";
  EXPECT_THAT(AuthorizationFlow(client, wishes(), random_octets()).url(),
              HasSubstr("/auth?tenant=a&response_type=code&"));
}

TEST_F(Authorization, OtherState_IsAnothersReply) {
  EXPECT_TRUE(flow_.is_answered_by(reply_with()));
  EXPECT_FALSE(flow_.is_answered_by(reply_with("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQA")));
  EXPECT_FALSE(flow_.is_answered_by(reply_with("")));
  EXPECT_FALSE(flow_.is_answered_by(reply_with(kVerifier)));
}

TEST_F(Authorization, Code_IsRedeemedWithItsVerifier) { // RFC 6749 §4.1.3, RFC 7636 §4.5
  const auto request = flow_.redeem(app(), {}, reply_with());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://id.example/token");
  EXPECT_EQ(request->body.reveal(),
            "grant_type=authorization_code&client_id=s6BhdRkqt3&code=SplxlOBeZQQYbYS6WxSbIA"
            "&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST_F(Authorization, ConfidentialClient_SendsItsSecret) {
  ClientRegistration client = app();
  client.client_secret = Secret("s3cret");
  const auto request = flow_.redeem(client, {}, reply_with());
  ASSERT_TRUE(request);
  EXPECT_THAT(std::string(request->body.reveal()), HasSubstr("&client_secret=s3cret&"));
}

TEST_F(Authorization, SecondReply_IsRefused) { // RFC 6749 §4.1.2: a code is used once
  ASSERT_TRUE(flow_.redeem(app(), {}, reply_with()));
  const auto again = flow_.redeem(app(), {}, reply_with());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "redirect_used");
}

TEST_F(Authorization, IssuerThatIsNamed_MustBeOurs) { // RFC 9207 §2.4
  RedirectReply reply = reply_with();
  reply.issuer = "https://id.example/"; // compared as it is
  const auto request = flow_.redeem(app(), {}, reply);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, "wrong_issuer");
  EXPECT_THAT(request.error().what, HasSubstr("https://id.example/ "));
}

TEST_F(Authorization, OurIssuer_IsFine) {
  RedirectReply reply = reply_with();
  reply.issuer = "https://id.example";
  EXPECT_TRUE(flow_.redeem(app(), {}, reply));
}

TEST_F(Authorization, IssuerThatNobodyKnows_IsNotCompared) {
  AuthorizationWishes any = wishes();
  any.issuer.clear();
  AuthorizationFlow flow(app(), std::move(any), random_octets());
  RedirectReply reply = reply_with();
  reply.issuer = "https://elsewhere.example";
  EXPECT_TRUE(flow.redeem(app(), {}, reply));
}

struct ErrorRow {
  std::string_view error, description, code;
};

TEST_F(Authorization, Errors_AreJudgedAsTheTokenEndpointsAre) { // RFC 6749 §4.1.2.1
  constexpr ErrorRow kRows[] = {
      {"access_denied", "the user denied the request", "login_declined"},
      {"temporarily_unavailable", "", "token_endpoint_unavailable"},
      {"server_error", "", "token_endpoint_unavailable"},
      {"consent_required", "AADSTS65001: The user or administrator has not consented.\r\nTrace ID: x",
       "consent_needed"},
      {"access_denied", "AADSTS65004: User declined to consent to access the app.", "consent_needed"},
      {"invalid_scope", "", "app_misconfigured"},
  };
  for (const ErrorRow& row : kRows) {
    AuthorizationFlow flow(app(), wishes(), random_octets());
    RedirectReply reply = reply_with();
    reply.code = Secret();
    reply.error = row.error;
    reply.error_description = row.description;
    const auto request = flow.redeem(app(), {}, reply);
    ASSERT_FALSE(request) << row.error;
    EXPECT_EQ(request.error().code, row.code) << row.error << ' ' << row.description;
    EXPECT_THAT(request.error().what, HasSubstr(std::string(row.error)));
    EXPECT_THAT(request.error().what, Not(HasSubstr("Trace ID")));
  }
}

TEST(AuthorizationPreset, Google_AsksForARefreshTokenEachTime) {
  ClientRegistration client = app();
  AuthorizationPreset preset = google_authorization();
  const AuthorizationFlow flow(client,
                               {.redirect_uri = "http://127.0.0.1:1",
                                .login_hint = {},
                                .parameters = std::move(preset.parameters),
                                .issuer = std::string(preset.issuer)},
                               random_octets());
  EXPECT_THAT(flow.url(), HasSubstr("&access_type=offline&prompt=consent"));
  EXPECT_THAT(flow.url(), Not(HasSubstr("login_hint")));
}

TEST(AuthorizationPreset, Hosts_AreThoseThatRegistrationsHave) {
  EXPECT_EQ(microsoft_authorization().redirect_host, "localhost");
  EXPECT_EQ(google_authorization().redirect_host, "127.0.0.1");
  EXPECT_EQ(custom_authorization({}).redirect_host, "127.0.0.1");
}

TEST(AuthorizationPreset, Custom_AsksForConsentOnlyWithOfflineAccess) { // OpenID Connect Core §11
  EXPECT_TRUE(custom_authorization({"imap"}).parameters.empty());
  EXPECT_EQ(custom_authorization({"imap", "offline_access"}).parameters.size(), 1U);
}

} // namespace
} // namespace mailmoor::oauth
