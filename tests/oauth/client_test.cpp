#include "oauth/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::testing::HasSubstr;

TEST(EndpointUrl, SecureOnes_AreTaken) {
  for (const std::string_view url :
       {"https://login.microsoftonline.com/common/oauth2/v2.0/token", "https://id.example",
        "https://id.example:8443/token", "HTTPS://id.example/token?tenant=1", "http://localhost:3000/token",
        "http://127.0.0.1:8080/token", "http://[::1]:8080/token", "https://[2001:db8::1]/token",
        "http://127.8.9.1/token"})
    EXPECT_TRUE(is_endpoint_url(url)) << url;
}

TEST(EndpointUrl, OthersAre_Refused) {
  for (const std::string_view url : {"",
                                     "id.example/token",
                                     "//id.example/token",
                                     "http://id.example/token",
                                     "ftp://id.example/token",
                                     "javascript:alert(1)",
                                     "file:///etc/passwd",
                                     "https:///token",
                                     "https://",
                                     "https://:443/token",
                                     "http://127.evil.example/token",
                                     "http://127.0.0.1.evil.example/token",
                                     "http://localhost.evil.example/token",
                                     "http://localhost@evil.example/token",
                                     "https://user:pw@id.example/token",
                                     "https://id.example/token#fragment",
                                     "https://id.example/to ken",
                                     "https://id.example/token\r\nX: y",
                                     "https://id.\xC3\xA9xample/token",
                                     "https://id.example:port/token",
                                     "https://id.example:/token",
                                     "https://id.example:123456/token",
                                     "https://[::1/token",
                                     "https://[::1]x/token",
                                     "https://id.example\\@evil.example/"})
    EXPECT_FALSE(is_endpoint_url(url)) << url;
}

TEST(EndpointUrl, LongerThan2048_IsRefused) {
  const std::string url = "https://id.example/";
  EXPECT_TRUE(is_endpoint_url(url + std::string(2048 - url.size(), 'a')));
  EXPECT_FALSE(is_endpoint_url(url + std::string(2049 - url.size(), 'a')));
}

ClientRegistration good_client() {
  ClientRegistration client;
  client.app_name = "lab";
  client.endpoints.token = "https://id.example/token";
  client.client_id = "mailmoor";
  client.scopes = {"openid", "https://mail.google.com/"};
  return client;
}

void expect_refused(const ClientRegistration& client, std::string_view because) {
  const Status status = check_registration(client);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kApp);
  EXPECT_EQ(status.error().code, "app_misconfigured");
  EXPECT_THAT(status.error().what, HasSubstr("app lab"));
  EXPECT_THAT(status.error().what, HasSubstr(std::string(because)));
  EXPECT_FALSE(status.error().remedy.empty());
}

TEST(CheckRegistration, WholeOne_IsGood) {
  EXPECT_TRUE(check_registration(good_client()));
}

TEST(CheckRegistration, NoTokenEndpoint_IsRefused) {
  ClientRegistration client = good_client();
  client.endpoints.token.clear();
  expect_refused(client, "no token endpoint");
}

TEST(CheckRegistration, PlainHttpAnywhere_IsRefusedByName) {
  ClientRegistration client = good_client();
  client.endpoints.device_authorization = "http://id.example/device";
  expect_refused(client, "device_authorization_endpoint");
}

TEST(CheckRegistration, EmptyClientId_IsRefused) {
  ClientRegistration client = good_client();
  client.client_id.clear();
  expect_refused(client, "client_id");
}

TEST(CheckRegistration, SecretWithLineEnd_IsRefusedWithoutShowingIt) {
  ClientRegistration client = good_client();
  client.client_secret = Secret("s3cret\n");
  expect_refused(client, "client_secret");
  EXPECT_FALSE(check_registration(client).error().what.contains("s3cret"));
}

TEST(CheckRegistration, ScopesInOneString_AreRefused) {
  ClientRegistration client = good_client();
  client.scopes = {"openid mail"};
  expect_refused(client, "scope");
}

} // namespace
} // namespace mailmoor::oauth
