#include "oauth/metadata.h"

#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(MetadataUrls, FollowBothDocuments) { // RFC 8414 §3.1, OpenID Connect Discovery §4.1
  EXPECT_THAT(metadata_urls("https://example.com"),
              ElementsAre("https://example.com/.well-known/oauth-authorization-server",
                          "https://example.com/.well-known/openid-configuration"));
  EXPECT_THAT(metadata_urls("https://example.com/issuer1"),
              ElementsAre("https://example.com/.well-known/oauth-authorization-server/issuer1",
                          "https://example.com/issuer1/.well-known/openid-configuration"));
  EXPECT_THAT(metadata_urls("http://localhost:3000/"),
              ElementsAre("http://localhost:3000/.well-known/oauth-authorization-server",
                          "http://localhost:3000/.well-known/openid-configuration"));
}

TEST(MetadataUrls, WhatIsNoIssuer_HasNone) {
  for (const std::string_view issuer : {"", "id.example", "http://id.example", "https://id.example?x=1", "https://a#b"})
    EXPECT_THAT(metadata_urls(issuer), IsEmpty()) << issuer;
}

// The members of RFC 8414 §3.2's example that matter here, and RFC 8628 §4's.
constexpr std::string_view kExample = R"({
  "issuer": "https://server.example.com",
  "authorization_endpoint": "https://server.example.com/authorize",
  "token_endpoint": "https://server.example.com/token",
  "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
  "device_authorization_endpoint": "https://server.example.com/device",
  "jwks_uri": "https://server.example.com/jwks.json",
  "response_types_supported": ["code", "code token"],
  "service_documentation": "http://server.example.com/service_documentation.html",
  "ui_locales_supported": ["en-US", "en-GB", "en-CA", "fr-FR", "fr-CA"]})";

TEST(ParseMetadata, Example_GivesTheEndpoints) {
  const auto endpoints = parse_metadata(kExample, "https://server.example.com");
  ASSERT_TRUE(endpoints);
  EXPECT_EQ(endpoints->issuer, "https://server.example.com");
  EXPECT_EQ(endpoints->authorization, "https://server.example.com/authorize");
  EXPECT_EQ(endpoints->token, "https://server.example.com/token");
  EXPECT_EQ(endpoints->device_authorization, "https://server.example.com/device");
}

TEST(ParseMetadata, WithoutDeviceEndpoint_LeavesItEmpty) {
  const auto endpoints =
      parse_metadata(R"({"issuer":"https://a.example","token_endpoint":"https://b.example/t"})", "https://a.example");
  ASSERT_TRUE(endpoints);
  EXPECT_EQ(endpoints->device_authorization, "");
  EXPECT_EQ(endpoints->token, "https://b.example/t"); // Google's lives on another host than its issuer
}

void expect_refused(std::string_view json, std::string_view because) {
  const auto endpoints = parse_metadata(json, "https://a.example");
  ASSERT_FALSE(endpoints) << json;
  EXPECT_EQ(endpoints.error().kind, ErrorKind::kApp);
  EXPECT_EQ(endpoints.error().code, "metadata_invalid");
  EXPECT_THAT(endpoints.error().what, HasSubstr(std::string(because)));
  EXPECT_FALSE(endpoints.error().remedy.empty());
}

TEST(ParseMetadata, ForeignOrBrokenOnes_AreRefused) {
  expect_refused("", "not a JSON object");
  expect_refused("<html>", "not a JSON object");
  expect_refused("[]", "not a JSON object");
  expect_refused("null", "not a JSON object");
  expect_refused(R"({"token_endpoint":"https://a.example/t"})", "issuer");
  expect_refused(R"({"issuer":"https://evil.example","token_endpoint":"https://a.example/t"})", "https://evil.example");
  expect_refused(R"({"issuer":"https://a.example/","token_endpoint":"https://a.example/t"})", "https://a.example/");
  expect_refused(R"({"issuer":"https://a.example"})", "no token_endpoint");
  expect_refused(R"({"issuer":"https://a.example","token_endpoint":7})", "no token_endpoint");
  expect_refused(R"({"issuer":"https://a.example","token_endpoint":"http://a.example/t"})", "without https");
  expect_refused(R"({"issuer":"https://a.example","token_endpoint":"https://a.example/t",)"
                 R"("device_authorization_endpoint":"javascript:x"})",
                 "without https");
}

TEST(ParseMetadata, EveryPrefixOfTheExample_IsRefused) {
  for (std::size_t size = 0; size < kExample.size(); ++size)
    EXPECT_FALSE(parse_metadata(kExample.substr(0, size), "https://server.example.com")) << size;
}

} // namespace
} // namespace mailmoor::oauth
