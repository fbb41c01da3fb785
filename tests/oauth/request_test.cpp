#include "oauth/request.h"

#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

ClientRegistration entra_app() {
  ClientRegistration client;
  client.app_name = "contoso";
  client.endpoints = {.issuer = "https://login.example/t/v2.0",
                      .device_authorization = "https://login.example/t/oauth2/v2.0/devicecode",
                      .authorization = "https://login.example/t/oauth2/v2.0/authorize",
                      .token = "https://login.example/t/oauth2/v2.0/token"};
  client.client_id = "6731de76-14a6-49ae-97bc-6eba6914391e";
  client.scopes = {"https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"};
  return client;
}

void expect_form_headers(const TokenRequest& request) {
  ASSERT_EQ(request.headers.size(), 2U);
  EXPECT_EQ(request.headers[0].name, "Content-Type");
  EXPECT_EQ(request.headers[0].value, "application/x-www-form-urlencoded");
  EXPECT_EQ(request.headers[1].name, "Accept");
  EXPECT_EQ(request.headers[1].value, "application/json");
}

TEST(DeviceAuthorizationRequest, PublicClient_SendsNoSecret) {
  const TokenRequest request = device_authorization_request(entra_app(), {});
  EXPECT_EQ(request.url, "https://login.example/t/oauth2/v2.0/devicecode");
  EXPECT_EQ(request.body.reveal(), "client_id=6731de76-14a6-49ae-97bc-6eba6914391e"
                                   "&scope=https%3A%2F%2Foutlook.office.com%2FIMAP.AccessAsUser.All+offline_access");
  expect_form_headers(request);
}

TEST(DeviceAuthorizationRequest, NoScopes_LeavesTheFieldOut) { // RFC 8628 §3.1: optional
  ClientRegistration client = entra_app();
  client.scopes.clear();
  EXPECT_EQ(device_authorization_request(client, {}).body.reveal(), "client_id=6731de76-14a6-49ae-97bc-6eba6914391e");
}

TEST(DeviceAuthorizationRequest, ConfidentialClient_AuthenticatesItself) { // RFC 8628 §3.1
  ClientRegistration client = entra_app();
  client.scopes = {"mail"};
  client.client_secret = Secret("s3cret");
  EXPECT_EQ(device_authorization_request(client, {}).body.reveal(),
            "client_id=6731de76-14a6-49ae-97bc-6eba6914391e&client_secret=s3cret&scope=mail");
}

TEST(DeviceTokenRequest, IsTheExampleOfTheRfc) { // RFC 8628 §3.4
  ClientRegistration client = entra_app();
  client.client_id = "1406020730";
  const TokenRequest request = device_token_request(client, {}, Secret("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"));
  EXPECT_EQ(request.url, "https://login.example/t/oauth2/v2.0/token");
  EXPECT_EQ(request.body.reveal(), "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
                                   "&client_id=1406020730"
                                   "&device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS");
  expect_form_headers(request);
}

TEST(RefreshRequest, PublicClient_SendsIdAndTokenOnly) { // RFC 6749 §6
  const TokenRequest request = refresh_request(entra_app(), {}, Secret("0.AXoA-bc_d~1//0g+/="));
  EXPECT_EQ(request.url, "https://login.example/t/oauth2/v2.0/token");
  EXPECT_EQ(request.body.reveal(), "grant_type=refresh_token&client_id=6731de76-14a6-49ae-97bc-6eba6914391e"
                                   "&refresh_token=0.AXoA-bc_d%7E1%2F%2F0g%2B%2F%3D");
  expect_form_headers(request);
}

TEST(RefreshRequest, SecretWithEveryAwkwardCharacter_IsEncoded) {
  ClientRegistration client = entra_app();
  client.client_id = "id";
  client.client_secret = Secret("a8Q~x+y/z=&%?#;:@!$'()*,[] \"\\");
  EXPECT_EQ(refresh_request(client, {}, Secret("t")).body.reveal(),
            "grant_type=refresh_token&client_id=id&client_secret="
            "a8Q%7Ex%2By%2Fz%3D%26%25%3F%23%3B%3A%40%21%24%27%28%29*%2C%5B%5D+%22%5C&refresh_token=t");
}

TEST(RefreshRequest, NonAscii_IsTheExampleOfTheRfc) { // RFC 6749 Appendix B
  ClientRegistration client = entra_app();
  client.client_id = " %&+£€";
  EXPECT_EQ(refresh_request(client, {}, Secret("t")).body.reveal(),
            "grant_type=refresh_token&client_id=+%25%26%2B%C2%A3%E2%82%AC&refresh_token=t");
}

TEST(ClientCredentialsRequest, Secret_IsTheDocumentedBody) { // RFC 6749 §4.4.2
  ClientRegistration client = entra_app();
  client.client_secret = Secret("qWgdYAmab0YSkuL1qKv5bPX");
  client.scopes = {"https://outlook.office365.com/.default"};
  const TokenRequest request = client_credentials_request(client, {});
  EXPECT_EQ(request.url, "https://login.example/t/oauth2/v2.0/token");
  EXPECT_EQ(request.body.reveal(), "grant_type=client_credentials&client_id=6731de76-14a6-49ae-97bc-6eba6914391e"
                                   "&client_secret=qWgdYAmab0YSkuL1qKv5bPX"
                                   "&scope=https%3A%2F%2Foutlook.office365.com%2F.default");
  expect_form_headers(request);
}

TEST(JwtBearerRequest, HasGrantTypeAndAssertionOnly) { // RFC 7523 §2.1
  const TokenRequest request = jwt_bearer_request("https://oauth2.googleapis.com/token", Secret("eyJh.eyJp.c2ln"));
  EXPECT_EQ(request.url, "https://oauth2.googleapis.com/token");
  EXPECT_EQ(request.body.reveal(),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=eyJh.eyJp.c2ln");
  expect_form_headers(request);
}

TEST(RefreshRequest, HeadersAndUrl_HoldNoSecret) {
  ClientRegistration client = entra_app();
  client.client_secret = Secret("s3cret");
  const TokenRequest request = refresh_request(client, {}, Secret("refreshing"));
  for (const Header& header : request.headers) {
    EXPECT_FALSE(header.value.contains("s3cret"));
    EXPECT_FALSE(header.value.contains("refreshing"));
  }
  EXPECT_FALSE(request.url.contains('?'));
}

} // namespace
} // namespace mailmoor::oauth
