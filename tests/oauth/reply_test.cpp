#include "oauth/replies.h"

#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::entra_error;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json_reply;
using testing::kNow;
using ::testing::Not;

TokenGrant granted(std::string_view body) {
  TokenOutcome outcome = parse_token_reply(json_reply(200, body), kNow);
  EXPECT_TRUE(outcome) << body;
  return outcome ? std::move(*outcome) : TokenGrant{};
}

Refusal refused(const HttpReply& reply) {
  TokenOutcome outcome = parse_token_reply(reply, kNow);
  EXPECT_FALSE(outcome);
  return outcome ? Refusal{} : std::move(outcome.error());
}

TEST(TokenReply, ExampleOfTheRfc_IsAGrant) { // RFC 6749 §5.1
  const TokenGrant grant =
      granted(R"({"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer",)"
              R"("expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"x"})");
  EXPECT_EQ(grant.access_token.reveal(), "2YotnFZFEjr1zCsicMWpAA");
  EXPECT_EQ(grant.refresh_token.reveal(), "tGzv3JOkF0XG5Qx2TlKWIA");
  EXPECT_EQ(grant.expires_in, seconds(3600));
  EXPECT_FALSE(grant.refresh_in);
  EXPECT_EQ(grant.scope, "");
}

TEST(TokenReply, EntraShape_IsAGrant) {
  const TokenGrant grant = granted(
      R"({"token_type":"Bearer","scope":"https://outlook.office.com/IMAP.AccessAsUser.All","expires_in":5141,)"
      R"("ext_expires_in":5141,"refresh_in":2570,"access_token":"eyJ0.eyJh.c2ln","refresh_token":"1.AXoA~x","id_token":"e.e.e"})");
  EXPECT_EQ(grant.expires_in, seconds(5141));
  EXPECT_EQ(grant.refresh_in, seconds(2570));
  EXPECT_EQ(grant.scope, "https://outlook.office.com/IMAP.AccessAsUser.All");
}

TEST(TokenReply, NoRefreshToken_LeavesItEmpty) {
  EXPECT_TRUE(granted(R"({"access_token":"a","token_type":"bearer","expires_in":3599})").refresh_token.empty());
}

TEST(TokenReply, Times_AreReadGenerously) {
  struct Row {
    std::string_view members;
    seconds expires_in;
    std::optional<seconds> refresh_in = {};
  };
  for (const Row& row :
       {Row{R"("expires_in":"3599")", seconds(3599)},                            // Entra v1
        Row{R"("expires_in":3599.0)", seconds(3599)}, Row{R"("x":1)", hours(1)}, // RECOMMENDED only
        Row{R"("expires_in":null)", hours(1)}, Row{R"("expires_in":0)", hours(1)}, Row{R"("expires_in":-5)", hours(1)},
        Row{R"("expires_in":"soon")", hours(1)}, Row{R"("expires_in":99999999999999)", hours(24 * 365)},
        Row{R"("expires_in":3599,"refresh_in":"1800")", seconds(3599), seconds(1800)},
        Row{R"("expires_in":3599,"refresh_in":3599)", seconds(3599)},
        Row{R"("expires_in":3599,"refresh_in":86400)", seconds(3599)},
        Row{R"("expires_in":3599,"refresh_in":0)", seconds(3599)}}) {
    const TokenGrant grant = granted(concat(R"({"access_token":"a","token_type":"BEARER",)", row.members, '}'));
    EXPECT_EQ(grant.expires_in, row.expires_in) << row.members;
    EXPECT_EQ(grant.refresh_in, row.refresh_in) << row.members;
  }
}

TEST(TokenReply, AnotherTokenType_IsRefused) {
  for (const std::string_view type : {R"("token_type":"mac",)", R"("token_type":"DPoP",)", R"("token_type":"",)", ""}) {
    const Refusal refusal = refused(json_reply(200, concat("{", type, R"("access_token":"a","refresh_token":"new"})")));
    EXPECT_EQ(refusal.kind, RefusalClass::kAppConfiguration);
    EXPECT_EQ(refusal.rotated_refresh_token.reveal(), "new");
  }
}

TEST(TokenReply, UnusableSuccess_StillHandsOutTheRotatedToken) { // P5
  for (const std::string_view body :
       {R"({"refresh_token":"new","token_type":"Bearer"})",
        R"({"refresh_token":"new","access_token":"a\u0001","token_type":"Bearer"})",
        R"({"refresh_token":"new","access_token":"cut of)", R"({"refresh_token":"new")"}) {
    const Refusal refusal = refused(json_reply(200, body));
    EXPECT_EQ(refusal.kind, RefusalClass::kRetry) << body;
    EXPECT_EQ(refusal.rotated_refresh_token.reveal(), "new") << body;
  }
}

TEST(TokenReply, ErrorAnswer_HandsOutNoToken) {
  EXPECT_TRUE(
      refused(json_reply(400, R"({"error":"invalid_grant","refresh_token":"echo"})")).rotated_refresh_token.empty());
}

TEST(TokenReply, EveryPrefixOfAGrant_IsRetry) {
  const std::string body = R"({"access_token":"a","token_type":"Bearer","expires_in":3599,"refresh_token":"r"})";
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_EQ(refused(json_reply(200, body.substr(0, size))).kind, RefusalClass::kRetry) << size;
}

TEST(TokenReply, EveryPrefixOfAnError_IsRetryAndKeepsTheAccount) {
  const std::string body = entra_error("invalid_grant", "700082", "The refresh token has expired.");
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_EQ(refused(json_reply(400, body.substr(0, size))).kind, RefusalClass::kRetry) << size;
}

TEST(Refusal, Entra_IsOneReadableLine) {
  const Refusal refusal = refused(
      json_reply(400, entra_error("invalid_grant", "700082", "The refresh token has expired due to inactivity.")));
  EXPECT_EQ(refusal.error, "invalid_grant");
  EXPECT_THAT(refusal.aadsts, ElementsAre(700082));
  EXPECT_EQ(refusal.what, "HTTP 400 invalid_grant: AADSTS700082: The refresh token has expired due to inactivity.");
  EXPECT_EQ(refusal.trace, "trace_id=0c1d2e3f-1111-2222-3333-444455556666 "
                           "correlation_id=aaaabbbb-0000-cccc-1111-dddd2222eeee timestamp=2027-01-15 08:00:00Z");
  EXPECT_THAT(refusal.remedy, HasSubstr("mailmoorctl login"));
}

TEST(Refusal, HostileDescription_IsMadeSafe) {
  const Refusal refusal = refused(
      json_reply(400, R"({"error":"invalid_grant\u001b]0;x\u0007","error_description":"line\r\none \u001b[2J \u202e)" +
                          std::string(5000, 'z') + R"( tail"})"));
  for (const std::string& text : {refusal.what, refusal.error}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1B")));
    EXPECT_THAT(text, Not(HasSubstr("\n")));
    EXPECT_THAT(text, Not(HasSubstr("zzzz")));
    EXPECT_LE(text.size(), 600U);
  }
}

TEST(Refusal, EchoedToken_IsNotShown) {
  const std::string token(64, 'Q');
  const Refusal refusal =
      refused(json_reply(400, concat(R"({"error":"invalid_grant","error_description":"token )", token,
                                     R"( unknown","suberror":")", token, R"(","trace_id":")", token, R"("})")));
  EXPECT_THAT(refusal.what, Not(HasSubstr("QQQQ")));
  EXPECT_THAT(refusal.trace, Not(HasSubstr("QQQQ")));
}

TEST(Refusal, ForeignBody_IsDescribedNotQuoted) {
  HttpReply reply = json_reply(503, "<html>secret?</html>");
  reply.content_type = "text/html; charset=us-ascii";
  EXPECT_EQ(refused(reply).what, "HTTP 503 without an OAuth answer (20 bytes of text/html)");
}

TEST(Refusal, RetryAfter_IsRead) {
  HttpReply reply = json_reply(429, "");
  reply.retry_after = "37";
  EXPECT_EQ(refused(reply).retry_after, minutes(1)); // never below the least wait of a 429
  reply.retry_after = "120";
  EXPECT_EQ(refused(reply).retry_after, seconds(120));
  reply.retry_after = "Fri, 15 Jan 2027 08:05:00 GMT";
  EXPECT_EQ(refused(reply).retry_after, minutes(5));
  reply.date = "Fri, 15 Jan 2027 08:03:00 GMT";
  EXPECT_EQ(refused(reply).retry_after, minutes(2));
  reply.status = 503;
  reply.retry_after = "37";
  EXPECT_EQ(refused(reply).retry_after, seconds(37));
  reply.retry_after.clear();
  EXPECT_FALSE(refused(reply).retry_after);
}

TEST(Refusal, ClockSkew_IsMeasured) {
  HttpReply reply =
      json_reply(401, entra_error("invalid_client", "700024", "Client assertion is not within its valid time range."));
  reply.date = "Fri, 15 Jan 2027 08:07:00 GMT";
  EXPECT_THAT(refused(reply).what, HasSubstr("this host's clock is 420 s behind the server's"));
  reply.date = "Fri, 15 Jan 2027 07:59:30 GMT";
  EXPECT_THAT(refused(reply).what, HasSubstr("this host's clock is 30 s ahead of the server's"));
  reply.date.clear();
  EXPECT_THAT(refused(reply).what, Not(HasSubstr("clock is")));
}

TEST(Refusal, ManyCodes_AreBoundedAndUnique) {
  const Refusal refusal = refused(json_reply(
      400,
      R"({"error":"x","error_codes":[1,2,2,-3,0,4294967296],"error_description":"AADSTS2 AADSTS AADSTS99999999999999 AADSTS5"})"));
  EXPECT_THAT(refusal.aadsts, ElementsAre(1, 2, 5));
}

TEST(Refusal, MoreThanEightCodes_AreCut) {
  EXPECT_THAT(refused(json_reply(400, R"({"error":"x","error_codes":[1,2,3,4,5,6,7,8,9]})")).aadsts,
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(DeviceAuthorizationReply, ExampleOfTheRfc_IsRead) { // RFC 8628 §3.2
  const auto authorization = parse_device_authorization(
      json_reply(200, R"({"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","user_code":"WDJB-MJHT",)"
                      R"("verification_uri":"https://example.com/device",)"
                      R"("verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT",)"
                      R"("expires_in":1800,"interval":5})"),
      kNow);
  ASSERT_TRUE(authorization);
  EXPECT_EQ(authorization->device_code.reveal(), "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS");
  EXPECT_EQ(authorization->user_code, "WDJB-MJHT");
  EXPECT_EQ(authorization->verification_uri, "https://example.com/device");
  EXPECT_EQ(authorization->verification_uri_complete, "https://example.com/device?user_code=WDJB-MJHT");
  EXPECT_EQ(authorization->expires_in, seconds(1800));
  EXPECT_EQ(authorization->interval, seconds(5));
}

std::string device_reply(std::string_view user_code, std::string_view uri, std::string_view more = "") {
  return concat(R"({"device_code":"d","user_code":")", user_code, R"(","verification_uri":")", uri, '"', more, '}');
}

TEST(DeviceAuthorizationReply, Times_HaveDefaultsAndLimits) {
  struct Row {
    std::string_view members;
    seconds expires_in, interval;
  };
  for (const Row& row :
       {Row{"", minutes(15), seconds(5)}, Row{R"(,"expires_in":"900","interval":"7")", seconds(900), seconds(7)},
        Row{R"(,"expires_in":0,"interval":0)", minutes(15), seconds(5)},
        Row{R"(,"expires_in":99999999,"interval":99999999)", hours(24), minutes(5)}}) {
    const auto authorization =
        parse_device_authorization(json_reply(200, device_reply("A", "https://e.example/d", row.members)), kNow);
    ASSERT_TRUE(authorization);
    EXPECT_EQ(authorization->expires_in, row.expires_in) << row.members;
    EXPECT_EQ(authorization->interval, row.interval) << row.members;
  }
}

TEST(DeviceAuthorizationReply, VerificationUrl_IsTheOldName) {
  const auto authorization = parse_device_authorization(
      json_reply(200, R"({"device_code":"d","user_code":"A","verification_url":"https://www.google.com/device"})"),
      kNow);
  ASSERT_TRUE(authorization);
  EXPECT_EQ(authorization->verification_uri, "https://www.google.com/device");
}

TEST(DeviceAuthorizationReply, WhatCannotBeShown_IsRefused) {
  const std::string bad[] = {
      device_reply("", "https://e.example/d"),
      device_reply("A\\u001b[2J", "https://e.example/d"),
      device_reply("A\\u202eB", "https://e.example/d"),
      device_reply(std::string(65, 'A'), "https://e.example/d"),
      device_reply("A", ""),
      device_reply("A", "javascript:alert(1)"),
      device_reply("A", "ftp://e.example/d"),
      device_reply("A", "https://e.example/d\\u0007"),
      device_reply("A", "https://e.example/\\u202e"),
      device_reply("A", "https://user@e.example/d"),
      device_reply("A", concat("https://e.example/", std::string(2048, 'a'))),
      R"({"user_code":"A","verification_uri":"https://e.example/d"})",
      R"({"device_code":"a\u0001","user_code":"A","verification_uri":"https://e.example/d"})",
      R"({"device_code":"d","user_code":5,"verification_uri":"https://e.example/d"})",
  };
  for (const std::string& body : bad) {
    const auto authorization = parse_device_authorization(json_reply(200, body), kNow);
    ASSERT_FALSE(authorization) << body;
    EXPECT_EQ(authorization.error().code, "device_authorization_invalid") << body;
    EXPECT_EQ(authorization.error().kind, ErrorKind::kHost);
  }
}

TEST(DeviceAuthorizationReply, BadCompleteUri_IsOnlyLeftOut) {
  const auto authorization = parse_device_authorization(
      json_reply(200, device_reply("A", "https://e.example/d", R"(,"verification_uri_complete":"data:x")")), kNow);
  ASSERT_TRUE(authorization);
  EXPECT_THAT(authorization->verification_uri_complete, IsEmpty());
}

TEST(DeviceAuthorizationReply, Refusals_AreErrors) {
  const auto blocked = parse_device_authorization(
      json_reply(
          400,
          R"({"error":"invalid_scope","error_description":"Invalid device flow scope: https://mail.google.com/"})"),
      kNow);
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().kind, ErrorKind::kApp);
  EXPECT_EQ(blocked.error().code, "app_misconfigured");
  EXPECT_THAT(blocked.error().remedy, HasSubstr("--flow browser"));

  HttpReply busy = json_reply(503, "");
  busy.retry_after = "90";
  const auto later = parse_device_authorization(busy, kNow);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().kind, ErrorKind::kHost);
  EXPECT_EQ(later.error().imposed_wait, seconds(90));
}

} // namespace
} // namespace mailmoor::oauth
