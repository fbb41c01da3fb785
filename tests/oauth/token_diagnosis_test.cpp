#include "oauth/token_diagnosis.h"

#include "util/base64.h"
#include "util/concat.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Verdict = TokenFinding::Verdict;

constexpr UnixTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr UnixTime kEnd = kNow + std::chrono::hours(1);
constexpr std::string_view kTenant = "11111111-2222-3333-4444-555555555555";

std::string jwt(std::string_view payload) {
  return concat(base64url_encode(R"({"typ":"JWT","alg":"RS256"})"), ".", base64url_encode(payload), ".",
                base64url_encode("signature-signature"));
}

TokenExpectations exchange() {
  TokenExpectations expected;
  expected.service = MailService::kExchange;
  expected.mailbox = "alice";
  expected.user = "alice@contoso.com";
  expected.login_user = "alice@contoso.com";
  expected.tenant = kTenant;
  return expected;
}

std::vector<TokenFinding> diagnose(std::string_view payload, const TokenExpectations& expected = exchange()) {
  return diagnose_token(read_token(jwt(payload)), "", kEnd, expected, kNow);
}

// "audience:wrong" for everything that is not good.
std::vector<std::string> troubles(const std::vector<TokenFinding>& findings) {
  std::vector<std::string> out;
  for (const TokenFinding& finding : findings)
    if (finding.verdict != Verdict::kGood)
      out.push_back(concat(finding.about, finding.verdict == Verdict::kWrong ? ":wrong" : ":doubtful"));
  return out;
}

const TokenFinding& about(const std::vector<TokenFinding>& findings, std::string_view what) {
  static const TokenFinding kNone;
  const auto found = std::ranges::find(findings, what, &TokenFinding::about);
  return found == findings.end() ? kNone : *found;
}

constexpr std::string_view kGood =
    R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","upn":"Alice@contoso.com",)"
    R"("tid":"11111111-2222-3333-4444-555555555555","appid":"app-1","oid":"oid-1","exp":1800003600,"nbf":1799999000})";

TEST(TokenFacts, Jwt_GivesItsClaims) {
  const auto facts = read_token(jwt(kGood));
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->audiences, ElementsAre("https://outlook.office.com"));
  EXPECT_THAT(facts->scopes, ElementsAre("IMAP.AccessAsUser.All"));
  EXPECT_EQ(facts->user, "Alice@contoso.com");
  EXPECT_EQ(facts->tenant, kTenant);
  EXPECT_EQ(facts->app_id, "app-1");
  EXPECT_EQ(facts->object_id, "oid-1");
  EXPECT_FALSE(facts->is_app_only);
  EXPECT_EQ(facts->expires_at, std::optional(kEnd));
}

TEST(TokenFacts, WhatIsNoJwt_IsOpaque) {
  for (const std::string& token :
       {std::string(), std::string("EwB4A8l6BAAU"), std::string("a.b"), std::string("a.b.c.d"), std::string("..."),
        std::string("a.!!!.c"), concat("a.", base64url_encode("[1,2]"), ".c"),
        concat("a.", base64url_encode("{"), ".c"), jwt(std::string(40, '[') + std::string(40, ']')),
        concat("a.", std::string(70'000, 'A'), ".c")})
    EXPECT_FALSE(read_token(token)) << token.substr(0, 60);
}

TEST(TokenFacts, ClaimsOfWrongTypes_AreAbsent) {
  const auto facts =
      read_token(jwt(R"({"aud":["a",1,"b"],"scp":7,"roles":"r","tid":[],"upn":null,"exp":"soon","nbf":1e300})"));
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->audiences, ElementsAre("a", "b"));
  EXPECT_THAT(facts->scopes, IsEmpty());
  EXPECT_THAT(facts->roles, ElementsAre("r"));
  EXPECT_TRUE(facts->is_app_only);
  EXPECT_FALSE(facts->expires_at);
  EXPECT_FALSE(facts->not_before);
}

TEST(TokenFacts, TextForATerminal_LosesItsControls) {
  const auto facts = read_token(jwt(R"({"upn":"a\u001b[31m@x\n","aud":"b"})"));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->user.find('\x1b'), std::string::npos);
  EXPECT_EQ(facts->user.find('\n'), std::string::npos);
}

struct Row {
  const char* name;
  std::string_view payload;
  std::vector<std::string> troubles;
  const char* remedy; // of the first trouble
};

TEST(TokenDiagnosis, Table) {
  const std::vector<Row> rows = {
      {"good", kGood, {}, ""},
      {"by application id",
       R"({"aud":"00000002-0000-0ff1-ce00-000000000000","scp":"User.Read IMAP.AccessAsUser.All"})",
       {},
       ""},
      {"office365 form with a slash",
       R"({"aud":"https://outlook.office365.com/","scp":"IMAP.AccessAsUser.All"})",
       {},
       ""},
      {"graph by name",
       R"({"aud":"https://graph.microsoft.com","scp":"IMAP.AccessAsUser.All","upn":"alice@contoso.com"})",
       {"token_audience:wrong"},
       "https://outlook.office.com/IMAP.AccessAsUser.All"},
      {"graph by id",
       R"({"aud":"00000003-0000-0000-c000-000000000000","scp":"openid User.Read"})",
       {"token_audience:wrong", "token_permission:wrong"},
       "mailmoorctl login alice"},
      {"another service",
       R"({"aud":"api://contoso-intranet","scp":"IMAP.AccessAsUser.All"})",
       {"token_audience:wrong"},
       "scopes"},
      {"no audience", R"({"scp":"IMAP.AccessAsUser.All"})", {"token_audience:wrong"}, "scopes"},
      {"permission missing",
       R"({"aud":"https://outlook.office.com","scp":"POP.AccessAsUser.All SMTP.Send"})",
       {"token_permission:wrong"},
       "IMAP.AccessAsUser.All"},
      {"app-only",
       R"({"aud":"https://outlook.office365.com","roles":["IMAP.AccessAsApp"],"idtyp":"app","oid":"sp"})",
       {},
       ""},
      {"app-only without the role",
       R"({"aud":"https://outlook.office365.com","roles":["full_access_as_app"],"idtyp":"app"})",
       {"token_permission:wrong"},
       "admin consent"},
      {"app-only without any role",
       R"({"aud":"https://outlook.office365.com","idtyp":"app"})",
       {"token_permission:wrong"},
       "IMAP.AccessAsApp"},
      {"app-only for graph",
       R"({"aud":"https://graph.microsoft.com","roles":["Mail.Read"],"idtyp":"app"})",
       {"token_audience:wrong", "token_permission:wrong"},
       "https://outlook.office365.com/.default"},
      {"another user",
       R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","upn":"bob@contoso.com"})",
       {"token_user:doubtful"},
       "login_user: bob@contoso.com"},
      {"a user that is no address",
       R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","unique_name":"live.com#bob"})",
       {},
       ""},
      {"another tenant",
       R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","tid":"99999999-2222-3333-4444-555555555555"})",
       {"token_tenant:wrong"},
       "tenant"},
      {"expired",
       R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","exp":1799999999})",
       {"token_expiry:wrong"},
       "clock"},
      {"not yet",
       R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","nbf":1800000301})",
       {"token_expiry:doubtful"},
       "clock"}};
  for (const Row& row : rows) {
    const auto findings = diagnose(row.payload);
    EXPECT_EQ(troubles(findings), row.troubles) << row.name;
    const auto first =
        std::ranges::find_if(findings, [](const TokenFinding& finding) { return finding.verdict != Verdict::kGood; });
    const std::string remedy = first != findings.end() ? first->remedy : "";
    EXPECT_THAT(remedy, HasSubstr(row.remedy)) << row.name;
    for (const TokenFinding& finding : findings) {
      EXPECT_FALSE(finding.what.empty()) << row.name;
      EXPECT_EQ(finding.remedy.empty(), finding.verdict == Verdict::kGood) << row.name << ' ' << finding.about;
      EXPECT_EQ(finding.remedy.find('\n'), std::string::npos);
    }
  }
}

TEST(TokenDiagnosis, TenantByWord_IsComparedWhereItCanBe) {
  TokenExpectations expected = exchange();
  constexpr std::string_view kPersonal =
      R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","tid":"9188040d-6c67-4c5b-b112-36a304b66dad"})";
  for (const auto& [tenant, wrong] : {std::pair("consumers", false), std::pair("common", false),
                                      std::pair("organizations", true), std::pair("contoso.onmicrosoft.com", true)}) {
    expected.tenant = tenant;
    EXPECT_EQ(troubles(diagnose(kPersonal, expected)).empty(), !wrong) << tenant;
  }
  expected.tenant = "consumers";
  EXPECT_THAT(troubles(diagnose(kGood, expected)), ElementsAre("token_tenant:wrong"));
  expected.tenant = "contoso.com"; // a domain: what its id is the token does not say
  EXPECT_THAT(troubles(diagnose(kGood, expected)), IsEmpty());
}

TEST(TokenDiagnosis, SharedMailbox_SaysWhatItNeeds) {
  TokenExpectations expected = exchange();
  expected.user = "info@contoso.com";
  const auto findings = diagnose(kGood, expected);
  EXPECT_THAT(troubles(findings), IsEmpty());
  EXPECT_THAT(about(findings, "token_user").what, HasSubstr("Full Access"));
  EXPECT_THAT(refused_login_remedy(read_token(jwt(kGood)), findings, expected),
              HasSubstr("alice@contoso.com has Full Access to info@contoso.com"));
}

TEST(TokenDiagnosis, OpaqueToken_SaysSoAndLooksAtTheGrantedScope) {
  TokenExpectations expected = exchange();
  auto findings = diagnose_token(std::nullopt, "", kEnd, expected, kNow);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings.front().what, HasSubstr("opaque"));
  EXPECT_THAT(findings.front().what, HasSubstr(to_rfc3339(kEnd)));
  findings = diagnose_token(std::nullopt, "https://outlook.office.com/POP.AccessAsUser.All", kEnd, expected, kNow);
  EXPECT_THAT(troubles(findings), ElementsAre("token_permission:wrong"));
  findings = diagnose_token(std::nullopt, "https://outlook.office.com/IMAP.AccessAsUser.All", kEnd, expected, kNow);
  EXPECT_THAT(troubles(findings), IsEmpty());
  expected.service = MailService::kGmail;
  findings =
      diagnose_token(std::nullopt, "openid https://www.googleapis.com/auth/gmail.readonly", kEnd, expected, kNow);
  EXPECT_THAT(troubles(findings), ElementsAre("token_permission:wrong"));
  EXPECT_THAT(findings.back().what, HasSubstr("https://mail.google.com/"));
}

TEST(TokenDiagnosis, TokenOfAnUnknownService_IsNotJudged) {
  TokenExpectations expected;
  expected.mailbox = "alice";
  expected.user = expected.login_user = "alice";
  EXPECT_THAT(troubles(diagnose(R"({"aud":"x","sub":"alice","exp":1800003600})", expected)), IsEmpty());
}

TEST(RefusedLogin, AppOnly_NamesTheObjectIdThatTheTokenHas) {
  constexpr std::string_view kApp =
      R"({"aud":"https://outlook.office365.com","roles":["IMAP.AccessAsApp"],"idtyp":"app","appid":"app-1","oid":"sp-1"})";
  const auto facts = read_token(jwt(kApp));
  const std::string remedy = refused_login_remedy(facts, diagnose(kApp), exchange());
  EXPECT_THAT(remedy, HasSubstr("New-ServicePrincipal -AppId app-1 -ObjectId sp-1"));
  EXPECT_THAT(remedy, HasSubstr("Add-MailboxPermission alice@contoso.com"));
}

TEST(RefusedLogin, TokenThatIsWrongByItself_ClaimsNoOtherCause) {
  constexpr std::string_view kGraph = R"({"aud":"https://graph.microsoft.com","scp":"Mail.Read"})";
  EXPECT_EQ(refused_login_remedy(read_token(jwt(kGraph)), diagnose(kGraph), exchange()), "");
}

} // namespace
} // namespace mailmoor::oauth
