#include "oauth/client_proof.h"

#include "oauth/form.h"
#include "oauth/replies.h"
#include "oauth/request.h"
#include "support/rsa_identity.h"
#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::mailmoor::testing::identity;
using ::mailmoor::testing::jwt_is_signed_by;
using ::mailmoor::testing::jwt_part;
using ::testing::HasSubstr;
using testing::kNow;
using ::testing::Not;

constexpr std::string_view kJti = "0b4fd0b9-5a51-4a10-9d59-8a5f8f6ec3b1";
constexpr std::string_view kAssertionType =
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJ";

ClientRegistration app_with_certificate(SigningAlgorithm algorithm = SigningAlgorithm::kPs256) {
  ClientRegistration client;
  client.app_name = "contoso";
  client.endpoints.token = "https://login.example/t/oauth2/v2.0/token";
  client.endpoints.device_authorization = "https://login.example/t/oauth2/v2.0/devicecode";
  client.client_id = "6731de76-14a6-49ae-97bc-6eba6914391e";
  client.scopes = {"https://outlook.office365.com/.default"};
  client.assertion_algorithm = algorithm;
  client.certificate = std::make_shared<ClientCertificate>(
      ClientCertificate::parse(identity().certificate_pem, identity().key_pem).value());
  return client;
}

std::string thumbprint(const EVP_MD* algorithm) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(identity().certificate.get(), algorithm, digest, &size);
  return base64url_encode({reinterpret_cast<char*>(digest), size});
}

// What Entra's documentation shows, to the letter.
TEST(ClientProof, Ps256_HasTheDocumentedHeaderAndClaims) {
  const auto proof = prove_client(app_with_certificate(), kNow, kJti);
  ASSERT_TRUE(proof) << proof.error().what;
  const std::string_view jwt = proof->client_assertion.reveal();
  EXPECT_EQ(jwt_part(jwt, 0), concat(R"({"alg":"PS256","typ":"JWT","x5t#S256":")", thumbprint(EVP_sha256()), "\"}"));
  EXPECT_EQ(jwt_part(jwt, 1), R"({"aud":"https://login.example/t/oauth2/v2.0/token",)"
                              R"("iss":"6731de76-14a6-49ae-97bc-6eba6914391e",)"
                              R"("sub":"6731de76-14a6-49ae-97bc-6eba6914391e",)"
                              R"("jti":"0b4fd0b9-5a51-4a10-9d59-8a5f8f6ec3b1",)"
                              R"("nbf":1799999700,"iat":1800000000,"exp":1800000600})");
  EXPECT_TRUE(jwt_is_signed_by(jwt, identity().key.get(), /*pss=*/true));
  EXPECT_FALSE(jwt_is_signed_by(jwt, identity().key.get(), /*pss=*/false));
  EXPECT_THAT(std::string(jwt), Not(HasSubstr("="))); // RFC 7515 §2: no padding
}

TEST(ClientProof, Rs256_NamesTheCertificateBySha1) {
  const auto proof = prove_client(app_with_certificate(SigningAlgorithm::kRs256), kNow, kJti);
  ASSERT_TRUE(proof) << proof.error().what;
  const std::string_view jwt = proof->client_assertion.reveal();
  EXPECT_EQ(jwt_part(jwt, 0), concat(R"({"alg":"RS256","typ":"JWT","x5t":")", thumbprint(EVP_sha1()), "\"}"));
  EXPECT_TRUE(jwt_is_signed_by(jwt, identity().key.get(), /*pss=*/false));
  EXPECT_FALSE(jwt_is_signed_by(jwt, identity().key.get(), /*pss=*/true));
}

TEST(ClientProof, ChangedByOneCharacter_IsNotSignedAnyMore) {
  const auto proof = prove_client(app_with_certificate(), kNow, kJti);
  std::string jwt(proof->client_assertion.reveal());
  char& letter = jwt[jwt.find('.') + 5];
  letter = letter == 'a' ? 'b' : 'a';
  EXPECT_FALSE(jwt_is_signed_by(jwt, identity().key.get(), /*pss=*/true));
}

TEST(ClientProof, EachRequest_HasItsOwn) {
  const ClientRegistration client = app_with_certificate();
  EXPECT_NE(prove_client(client, kNow, "1")->client_assertion.reveal(),
            prove_client(client, kNow, "2")->client_assertion.reveal());
}

TEST(ClientProof, WithoutCertificate_IsEmpty) {
  ClientRegistration client;
  client.client_secret = Secret("s3cret");
  EXPECT_TRUE(prove_client(client, kNow, kJti)->client_assertion.empty());
}

// RFC 6749 §2.3: one method in one request. All requests that there are.
TEST(ClientProof, EveryRequest_CarriesItAndNoSecretBeside) {
  ClientRegistration client = app_with_certificate();
  client.client_secret = Secret("s3cret");
  const ClientProof proof = *prove_client(client, kNow, kJti);
  const Secret token("t");
  for (const TokenRequest& request :
       {device_authorization_request(client, proof), device_token_request(client, proof, token),
        refresh_request(client, proof, token), client_credentials_request(client, proof)}) {
    const std::string body(request.body.reveal());
    EXPECT_THAT(body, HasSubstr(std::string(kAssertionType)));
    EXPECT_THAT(body, HasSubstr("client_id=6731de76-14a6-49ae-97bc-6eba6914391e&"));
    EXPECT_THAT(body, Not(HasSubstr("client_secret")));
  }
}

} // namespace
} // namespace mailmoor::oauth
