#include "oauth/service_account.h"

#include "oauth/replies.h"
#include "support/rsa_identity.h"
#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::mailmoor::testing::identity;
using ::mailmoor::testing::jwt_is_signed_by;
using ::mailmoor::testing::jwt_part;
using ::mailmoor::testing::pem_of_key;
using ::testing::HasSubstr;
using testing::kNow;

std::string escaped(std::string_view pem) {
  std::string out;
  for (const char c : pem)
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out;
}

// As Google gives it.
std::string key_file(std::string_view private_key, std::string_view token_uri = "https://oauth2.googleapis.com/token") {
  return concat(R"({
  "type": "service_account",
  "project_id": "mail-archive",
  "private_key_id": "59ce3b0a5c9e8d7f",
  "private_key": ")",
                escaped(private_key), R"(",
  "client_email": "mailmoor@mail-archive.iam.gserviceaccount.com",
  "client_id": "104820000000000000000",
  "auth_uri": "https://accounts.google.com/o/oauth2/auth",
  "token_uri": ")",
                token_uri, R"(",
  "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
  "universe_domain": "googleapis.com"
})");
}

std::string refusal_of(std::string_view json) {
  const auto parsed = ServiceAccount::parse(json);
  if (parsed) return "good";
  EXPECT_EQ(parsed.error().kind, ErrorKind::kOperator);
  EXPECT_FALSE(parsed.error().remedy.empty());
  EXPECT_FALSE(parsed.error().what.contains("PRIVATE"));
  return concat(parsed.error().code, ": ", parsed.error().what);
}

TEST(ServiceAccount, GooglesFile_IsRead) {
  const auto account = ServiceAccount::parse(key_file(identity().key_pem));
  ASSERT_TRUE(account) << account.error().what;
  EXPECT_EQ(account->client_email, "mailmoor@mail-archive.iam.gserviceaccount.com");
  EXPECT_EQ(account->key_id, "59ce3b0a5c9e8d7f");
  EXPECT_EQ(account->token_uri, "https://oauth2.googleapis.com/token");
}

TEST(ServiceAccount, OtherFiles_AreRefusedByWhatTheyAre) {
  const std::string& pem = identity().key_pem;
  EXPECT_THAT(refusal_of(""), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal_of(pem), HasSubstr("no JSON object"));
  // The file of a desktop app, and of "gcloud auth application-default login".
  EXPECT_THAT(refusal_of(R"({"installed":{"client_id":"x","client_secret":"y"}})"), HasSubstr("no \"type\""));
  EXPECT_THAT(refusal_of(R"({"type":"authorized_user","client_id":"x"})"), HasSubstr("\"authorized_user\""));
  EXPECT_THAT(refusal_of(R"({"type":"service_account"})"), HasSubstr("client_email"));
  EXPECT_THAT(refusal_of(R"({"type":"service_account","client_email":"a@b"})"), HasSubstr("private_key"));
  EXPECT_THAT(refusal_of(key_file("no key")), HasSubstr("key_invalid: there is no private key"));
  EXPECT_THAT(refusal_of(key_file(pem_of_key(identity().key.get(), "x"))), HasSubstr("key_encrypted"));
  EXPECT_THAT(refusal_of(key_file(pem, "http://oauth2.example/token")), HasSubstr("token_uri"));
  EXPECT_THAT(refusal_of(key_file(pem, "file:///etc/passwd")), HasSubstr("token_uri"));
}

TEST(ServiceAccount, CutAnywhere_IsRefused) {
  const std::string whole = key_file(identity().key_pem);
  for (std::size_t size = 0; size < whole.size() - 1; size += 11)
    EXPECT_NE(refusal_of(whole.substr(0, size)), "good") << size;
}

ClientRegistration client_of(std::vector<std::string> scopes) {
  ClientRegistration client;
  client.endpoints.token = "https://oauth2.googleapis.com/token";
  client.scopes = std::move(scopes);
  client.service_account =
      std::make_shared<ServiceAccount>(ServiceAccount::parse(key_file(identity().key_pem)).value());
  return client;
}

std::string assertion_in(const TokenRequest& request) {
  constexpr std::string_view kHead =
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="; // and nothing else
  EXPECT_TRUE(request.body.reveal().starts_with(kHead)) << request.body.reveal();
  return std::string(request.body.reveal().substr(kHead.size()));
}

// Google's "OAuth 2.0 for server to server applications", to the letter.
TEST(ServiceAccountRequest, HasTheDocumentedHeaderAndClaims) {
  const auto request =
      service_account_request(client_of({"https://mail.google.com/", "second"}), "alice@example.com", kNow);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://oauth2.googleapis.com/token");
  const std::string jwt = assertion_in(*request);
  EXPECT_EQ(jwt_part(jwt, 0), R"({"alg":"RS256","typ":"JWT","kid":"59ce3b0a5c9e8d7f"})");
  EXPECT_EQ(jwt_part(jwt, 1),
            R"({"iss":"mailmoor@mail-archive.iam.gserviceaccount.com","sub":"alice@example.com",)"
            R"("scope":"https://mail.google.com/ second","aud":"https://oauth2.googleapis.com/token",)"
            R"("iat":1799999700,"exp":1800000600})");
  EXPECT_TRUE(jwt_is_signed_by(jwt, identity().key.get(), /*pss=*/false));
}

TEST(ServiceAccountRequest, AwkwardUser_IsOneJsonString) {
  const auto request = service_account_request(client_of({"s"}), "a\"\\,b\xFF", kNow);
  ASSERT_TRUE(request);
  EXPECT_THAT(jwt_part(assertion_in(*request), 1), HasSubstr(R"("sub":"a\"\\,b)"));
}

} // namespace
} // namespace mailmoor::oauth
