#include "oauth/app_grant.h"

#include "oauth/refusal_table.h"
#include "oauth/replies.h"
#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using testing::entra_error;
using ::testing::HasSubstr;
using testing::json_reply;
using testing::kNow;
using ::testing::Not;

Refusal refusal_of(int status, const std::string& body, AppGrant grant) {
  TokenOutcome outcome = parse_token_reply(json_reply(status, body), kNow);
  EXPECT_FALSE(outcome);
  return without_person(std::move(outcome.error()), grant);
}

Refusal entra(std::string_view error, std::string_view code) {
  return refusal_of(400, entra_error(error, code, "text"), AppGrant::kClientCredentials);
}

Refusal google(std::string_view error, std::string_view description) {
  return refusal_of(400, concat(R"({"error":")", error, R"(","error_description":")", description, R"("})"),
                    AppGrant::kServiceAccount);
}

// Whatever the answer, nobody is told to sign in, and no mailbox waits for it.
TEST(WithoutPerson, EveryKnownAnswer_LeavesNoLoginToAnyone) {
  for (const AppGrant grant : {AppGrant::kClientCredentials, AppGrant::kServiceAccount}) {
    for (const std::string_view error :
         {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "invalid_request", "access_denied",
          "unsupported_grant_type", "interaction_required", "login_required", "consent_required",
          "authorization_pending", "slow_down", "expired_token", "admin_policy_enforced", "no_such_word", ""}) {
      for (int code :
           {0,       50196,  90033,  70016,  70018,   700024, 50076,   50055, 700084, 700082, 54005, 65001,   65004,
            90094,   650052, 500011, 53003,  53000,   50105,  50057,   50053, 50126,  50034,  90038, 7000215, 7000222,
            7000218, 700025, 700027, 700016, 7000112, 90002,  9001023, 65002, 70011,  50011,  900144}) {
        const std::string body =
            code == 0 ? concat(R"({"error":")", error, "\"}") : entra_error(error, std::to_string(code), "text");
        const Refusal refusal = refusal_of(400, body, grant);
        EXPECT_THAT(refusal.remedy, Not(HasSubstr("login"))) << error << ' ' << code;
        EXPECT_THAT(refusal.remedy, Not(HasSubstr("sign in"))) << error << ' ' << code;
        EXPECT_THAT(refusal.remedy, Not(HasSubstr("--flow"))) << error << ' ' << code;
        const Error reported = to_error(refusal);
        EXPECT_NE(reported.code, "login_needed") << error << ' ' << code;
        EXPECT_FALSE(reported.code.starts_with("login_")) << error << ' ' << code;
        if (refusal.kind != RefusalClass::kRetry) {
          EXPECT_FALSE(refusal.remedy.empty()) << error << ' ' << code;
        }
      }
    }
  }
}

TEST(WithoutPerson, EntraAppOnly_IsTheWholeAppsMatter) {
  const Refusal no_consent = entra("invalid_grant", "65001");
  EXPECT_EQ(no_consent.kind, RefusalClass::kAdminConsents);
  EXPECT_TRUE(no_consent.whole_app);
  EXPECT_THAT(no_consent.remedy, HasSubstr("IMAP.AccessAsApp"));
  const Refusal bad_secret = entra("invalid_client", "7000215");
  EXPECT_EQ(to_error(bad_secret).kind, ErrorKind::kApp);
  EXPECT_THAT(bad_secret.remedy, HasSubstr("client_secret"));
  EXPECT_THAT(entra("invalid_client", "700027").remedy, HasSubstr("certificate"));
  EXPECT_THAT(entra("unauthorized_client", "53003").remedy, HasSubstr("workload identities"));
  const Refusal skew = entra("invalid_client", "700024");
  EXPECT_EQ(skew.kind, RefusalClass::kFixClock);
  EXPECT_TRUE(skew.whole_app);
}

TEST(WithoutPerson, PassingTrouble_StaysPassing) {
  EXPECT_EQ(entra("invalid_grant", "50196").kind, RefusalClass::kRetry);
  EXPECT_EQ(refusal_of(503, "<html>", AppGrant::kClientCredentials).kind, RefusalClass::kRetry);
  EXPECT_EQ(refusal_of(429, "{}", AppGrant::kServiceAccount).kind, RefusalClass::kRetry);
}

// Google's words, from its documentation and from what its clients' users report.
TEST(WithoutPerson, ServiceAccount_TellsUserFromDelegation) {
  const Refusal no_user = google("invalid_grant", "Invalid email or User ID");
  EXPECT_EQ(no_user.kind, RefusalClass::kAccountState);
  EXPECT_FALSE(no_user.whole_app);
  EXPECT_THAT(no_user.remedy, HasSubstr("`user`"));
  const Refusal not_delegated =
      google("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method, or client not "
                                    "authorized for any of the scopes requested.");
  EXPECT_EQ(not_delegated.kind, RefusalClass::kAdminConsents);
  EXPECT_TRUE(not_delegated.whole_app);
  EXPECT_THAT(not_delegated.remedy, HasSubstr("domain-wide delegation"));
  const Refusal bad_key = google("invalid_grant", "Invalid JWT Signature.");
  EXPECT_EQ(bad_key.kind, RefusalClass::kAppConfiguration);
  EXPECT_TRUE(bad_key.whole_app);
  const Refusal skew = google("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
                                               "reasonable timeframe. Check your iat and exp values in the JWT claim.");
  EXPECT_EQ(skew.kind, RefusalClass::kFixClock);
}

} // namespace
} // namespace mailmoor::oauth
