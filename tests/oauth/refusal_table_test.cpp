// Answer → class, whole app or not, least wait: one row for each answer that is known from a server or a document.
#include "oauth/replies.h"

#include "oauth/refusal_table.h"
#include "util/concat.h"

#include <gtest/gtest.h>

#include <ostream>

namespace mailmoor::oauth {

void PrintTo(RefusalClass kind, std::ostream* out) {
  *out << refusal_class_name(kind);
}

namespace {

using enum RefusalClass;
using std::chrono::seconds;
using testing::entra_error;
using testing::json_reply;
using testing::kNow;

struct EntraRow {
  std::string_view error, code, text;
  RefusalClass kind;
  bool whole_app = false;
  int wait = 0;
};

constexpr EntraRow kEntra[] = {
    // retry
    {"invalid_grant", "50196", "The server terminated an operation because it encountered a client request loop.",
     kRetry, false, 300},
    {"invalid_request", "90055", "The tenant is throttled due to too many requests.", kRetry, true, 60},
    {"temporarily_unavailable", "90033", "A transient error has occurred. Please try again.", kRetry},
    {"invalid_request", "90033", "A transient error has occurred. Please try again.", kRetry},
    {"invalid_grant", "90006", "External server retryable error.", kRetry},
    {"invalid_grant", "90012", "RequestTimeout - The request has timed out.", kRetry},
    {"invalid_grant", "90024", "RequestBudgetExceededError - A transient error has occurred.", kRetry},
    {"invalid_grant", "50033", "RetryableError.", kRetry},
    {"invalid_grant", "50087", "A transient error has occurred during strong authentication.", kRetry},
    {"invalid_grant", "50000", "There was an error issuing a token.", kRetry},
    {"invalid_grant", "70012", "A server error occurred while authenticating an MSA user.", kRetry},
    {"invalid_grant", "80001", "Unable to connect to on-premises Active Directory.", kRetry},
    {"invalid_grant", "80002", "OnPremisePasswordValidatorRequestTimedout.", kRetry},
    // device flow
    {"authorization_pending", "70016", "OAuth 2.0 device flow error. Authorization is pending.", kPending},
    {"invalid_grant", "70016", "OAuth 2.0 device flow error. Authorization is pending.", kPending},
    {"authorization_declined", "70017", "The end user denied the authorization.", kDeclined},
    {"bad_verification_code", "70018", "Invalid verification code.", kExpiredCode},
    {"expired_token", "70020", "The provided value for the 'device_code' is expired.", kExpiredCode},
    {"invalid_grant", "70019", "Verification code expired.", kExpiredCode},
    // clock
    {"invalid_client", "700024", "Client assertion is not within its valid time range.", kFixClock, true},
    {"invalid_grant", "500133", "Assertion is not within its valid time range.", kFixClock, true},
    {"invalid_grant", "50013", "Assertion failed signature validation or is out of its time range.", kFixClock, true},
    // user signs in
    {"invalid_grant", "50076", "Due to a configuration change, you must use multi-factor authentication.",
     kUserSignsIn},
    {"interaction_required", "50079", "You must enroll in multi-factor authentication.", kUserSignsIn},
    {"invalid_grant", "50078", "Presented multi-factor authentication has expired.", kUserSignsIn},
    {"invalid_grant", "50173", "The provided grant has expired due to it being revoked.", kUserSignsIn},
    {"invalid_grant", "700082", "The refresh token has expired due to inactivity.", kUserSignsIn},
    {"invalid_grant", "700084", "The refresh token was issued to a single page app (SPA).", kUserSignsIn},
    {"invalid_grant", "70008", "The provided authorization code or refresh token has expired.", kUserSignsIn},
    {"invalid_grant", "70043", "The refresh token has expired due to sign-in frequency checks.", kUserSignsIn},
    {"invalid_grant", "70000", "The provided value for the input parameter 'refresh_token' is not valid.",
     kUserSignsIn},
    {"invalid_grant", "50055", "The password is expired.", kUserSignsIn},
    {"invalid_grant", "50133", "Session is invalid due to expiration or recent password change.", kUserSignsIn},
    {"invalid_grant", "54005", "OAuth2 Authorization code was already redeemed.", kUserSignsIn},
    {"invalid_grant", "9002313", "Invalid request. Request is malformed or invalid.", kUserSignsIn},
    {"invalid_grant", "999999", "A code that nobody has seen yet.", kUserSignsIn},
    {"interaction_required", "999999", "A code that nobody has seen yet.", kUserSignsIn},
    // administrator: faults of one account stay with it
    {"invalid_grant", "65001", "The user or administrator has not consented to use the application.", kAdminConsents},
    {"invalid_grant", "65004", "User declined to consent to access the app.", kAdminConsents},
    {"access_denied", "90094", "Admin consent is required.", kAdminConsents},
    {"access_denied", "65004", "User declined to consent to access the app.", kAdminConsents},
    {"access_denied", "999999", "A code that nobody has seen yet.", kDeclined},
    {"consent_required", "90094", "Admin consent is required.", kAdminConsents},
    {"invalid_grant", "53003", "Access has been blocked by Conditional Access policies.", kAdminConsents},
    {"invalid_grant", "53000", "Device is not in required device state.", kAdminConsents},
    {"invalid_grant", "530032", "Blocked by security policy.", kAdminConsents},
    {"invalid_grant", "530035", "Access has been blocked by security defaults.", kAdminConsents},
    {"invalid_grant", "50105", "The signed in user is not assigned to a role for the application.", kAdminConsents},
    {"invalid_client", "650052", "The app is trying to access a service your organization lacks.", kAdminConsents,
     true},
    {"invalid_resource", "500011", "The resource principal named x was not found.", kAdminConsents, true},
    {"invalid_client", "650057", "Invalid resource. The client has requested access to a resource which is not listed.",
     kAdminConsents, true},
    // account
    {"invalid_grant", "51004", "The user account does not exist in the directory.", kAccountState},
    {"invalid_grant", "50057", "The user account is disabled.", kAccountState},
    {"invalid_grant", "50053", "The account is locked.", kAccountState},
    {"invalid_grant", "50034", "The user account does not exist in the directory.", kAccountState},
    {"invalid_grant", "50126", "Error validating credentials due to invalid username or password.", kAccountState},
    {"invalid_request", "50020", "User account from identity provider does not exist in tenant.", kAccountState},
    {"invalid_request", "900382", "Confidential Client is not supported in Cross Cloud request.", kAccountState},
    // app
    {"invalid_client", "7000215", "Invalid client secret provided.", kAppConfiguration, true},
    {"invalid_client", "7000222", "The provided client secret keys are expired.", kAppConfiguration, true},
    {"invalid_client", "7000218", "The request body must contain: 'client_assertion' or 'client_secret'.",
     kAppConfiguration, true},
    {"invalid_client", "700025",
     "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.", kAppConfiguration,
     true},
    {"unauthorized_client", "700016", "Application was not found in the directory.", kAppConfiguration, true},
    {"invalid_client", "700027", "Client assertion failed signature validation.", kAppConfiguration, true},
    {"unauthorized_client", "7000112", "Application is disabled.", kAppConfiguration, true},
    {"invalid_request", "90002", "Tenant not found.", kAppConfiguration, true},
    {"invalid_request", "50194", "Application is not configured as a multi-tenant application.", kAppConfiguration,
     true},
    {"invalid_request", "9001023", "The grant type isn't supported over the /common endpoints.", kAppConfiguration,
     true},
    {"invalid_request", "9002313", "Invalid request. Request is malformed or invalid.", kAppConfiguration},
    {"invalid_request", "9002332", "Application is configured for use by AAD users only.", kAppConfiguration},
    {"invalid_scope", "70011", "The provided value for the input parameter 'scope' is not valid.", kAppConfiguration,
     true},
    {"invalid_grant", "700022", "The provided value for scope is for more than one resource.", kAppConfiguration, true},
    {"invalid_client", "7000216", "'client_assertion', 'client_secret' or 'request' is required.", kAppConfiguration,
     true},
    {"invalid_request", "50059", "No tenant-identifying information found.", kAppConfiguration, true},
    {"invalid_client", "65002", "Consent between first party applications must be configured via preauthorization.",
     kAppConfiguration, true},
};

void expect_verdict(const HttpReply& reply, RefusalClass kind, bool whole_app, int wait) {
  const TokenOutcome outcome = parse_token_reply(reply, kNow);
  ASSERT_FALSE(outcome);
  const Refusal& refusal = outcome.error();
  EXPECT_EQ(refusal.kind, kind);
  EXPECT_EQ(refusal.whole_app, whole_app);
  EXPECT_EQ(refusal.retry_after.value_or(seconds(0)), seconds(wait));
  EXPECT_EQ(refusal.remedy.empty(), kind == kPending || kind == kSlowDown);
  EXPECT_FALSE(refusal.what.empty());
  EXPECT_EQ(refusal.remedy.find('\n'), std::string::npos);
  EXPECT_TRUE(refusal.rotated_refresh_token.empty());
}

TEST(RefusalTable, EntraAnswers) {
  for (const EntraRow& row : kEntra) {
    SCOPED_TRACE(concat(row.error, ' ', row.code));
    expect_verdict(json_reply(400, entra_error(row.error, row.code, row.text)), row.kind, row.whole_app, row.wait);
    // Consumer accounts often lack error_codes: the text must do.
    expect_verdict(json_reply(400, entra_error(row.error, row.code, row.text, /*with_error_codes=*/false)), row.kind,
                   row.whole_app, row.wait);
  }
}

struct Row {
  int status;
  std::string_view body;
  RefusalClass kind;
  bool whole_app = false;
  int wait = 0;
};

constexpr Row kOthers[] = {
    // RFC 6749 §5.2, RFC 8628 §3.5
    {400, R"({"error":"invalid_request"})", kAppConfiguration},
    {401, R"({"error":"invalid_client"})", kAppConfiguration, true},
    {400, R"({"error":"invalid_grant"})", kUserSignsIn},
    {400, R"({"error":"unauthorized_client"})", kAppConfiguration, true},
    {400, R"({"error":"unsupported_grant_type"})", kAppConfiguration, true},
    {400, R"({"error":"invalid_scope"})", kAppConfiguration, true},
    {400, R"({"error":"authorization_pending"})", kPending},
    {400, R"({"error":"slow_down"})", kSlowDown},
    {429, R"({"error":"slow_down"})", kSlowDown},
    {400, R"({"error":"access_denied"})", kDeclined},
    {400, R"({"error":"expired_token"})", kExpiredCode},
    {400, R"({"error":"temporarily_unavailable"})", kRetry},
    {400, R"({"error":"server_error"})", kRetry},
    {400, R"({"error":"something_new","error_description":"never seen"})", kAppConfiguration},
    // OpenID Connect
    {400, R"({"error":"login_required"})", kUserSignsIn},
    {400, R"({"error":"interaction_required"})", kUserSignsIn},
    {400, R"({"error":"consent_required"})", kAdminConsents},
    // GitHub sends errors with 200.
    {200, R"({"error":"authorization_pending","error_description":"The authorization request is still pending."})",
     kPending},
    {200, R"({"error":"slow_down","interval":10})", kSlowDown},
    // Google
    {400, R"({"error": "invalid_grant", "error_description": "Token has been expired or revoked."})", kUserSignsIn},
    {400, R"({"error": "invalid_grant", "error_description": "Bad Request"})", kUserSignsIn},
    {400,
     R"json({"error": "invalid_grant", "error_description": "reauth related error (invalid_rapt)", "error_uri": "https://support.google.com/a/answer/9368756", "error_subtype": "invalid_rapt"})json",
     kUserSignsIn},
    {400, R"({"error": "invalid_grant", "error_description": "Robot is disabled."})", kAccountState},
    {400,
     R"({"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."})",
     kFixClock, true},
    {400, R"({"error": "invalid_grant", "error_description": "Invalid JWT Signature."})", kAppConfiguration, true},
    {401,
     R"({"error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested."})",
     kAdminConsents, true},
    {401, R"({"error": "invalid_client", "error_description": "The OAuth client was not found."})", kAppConfiguration,
     true},
    {401, R"({"error": "deleted_client", "error_description": "The OAuth client was deleted."})", kAppConfiguration,
     true},
    {400, R"({"error": "invalid_scope", "error_description": "Invalid device flow scope: https://mail.google.com/"})",
     kAppConfiguration, true},
    {500, R"({"error": "internal_failure", "error_description": "Backend Error"})", kRetry, true},
    {500, R"({"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}})", kRetry, true},
    {403, R"({"error": "rate_limit_exceeded", "error_description": "Rate Limit Exceeded"})", kRetry, false, 60},
    {400, R"({"error": "invalid_grant", "error_description": "Invalid email or User ID"})", kAccountState},
    {400, R"({"error": "invalid_grant", "error_description": "Invalid grant: account not found"})", kAppConfiguration,
     true},
    // Entra without codes
    {400, R"({"error": "invalid_grant", "suberror": "consent_required"})", kAdminConsents},
    {400, R"({"error": "invalid_grant", "suberror": "user_password_expired"})", kUserSignsIn},
    {401, R"({"error": "invalid_client", "error_description": "The assertion is not within its valid time range."})",
     kFixClock, true},
    // Keycloak
    {400, R"({"error":"invalid_grant","error_description":"Token is not active"})", kUserSignsIn},
    {400, R"({"error":"invalid_grant","error_description":"Account disabled"})", kAccountState},
    // oidc-provider
    {400, R"({"error":"invalid_grant","error_description":"grant request is invalid"})", kUserSignsIn},
    // HTTP
    {408, "", kRetry, true},
    {425, "", kRetry, true},
    {429, "", kRetry, true, 60},
    {429, R"({"error":"invalid_grant"})", kRetry, true, 60},
    {500, "", kRetry, true},
    {502, "<html><body><h1>502 Bad Gateway</h1></body></html>", kRetry, true},
    {503, R"({"error":"invalid_grant"})", kRetry, true},
    {503, "Service Unavailable", kRetry, true},
    {504, "", kRetry, true},
    {599, "", kRetry, true},
    // Not an OAuth server that speaks: nothing is said about the account.
    {0, "", kRetry},
    {200, "", kRetry},
    {200, "<html>Please sign in to the hotel's network</html>", kRetry},
    {200, "{}", kRetry},
    {200, "[]", kRetry},
    {200, "null", kRetry},
    {302, "", kRetry},
    {400, "<html>Bad Request</html>", kRetry},
    {400, "{}", kRetry},
    {400, R"({"error":7})", kRetry},
    {403, "<html>Forbidden by the proxy</html>", kRetry},
    {404, "404 page not found", kRetry},
    {400, R"({"error":"invalid_gr)", kRetry},
    {400, R"({"error":"invalid_grant")", kRetry},
};

TEST(RefusalTable, OtherAnswers) {
  for (const Row& row : kOthers) {
    SCOPED_TRACE(concat(row.status, ' ', row.body));
    expect_verdict(json_reply(row.status, row.body), row.kind, row.whole_app, row.wait);
  }
}

TEST(RefusalTable, FirstKnownCode_Decides) {
  const std::vector<int> codes = {16000, 50034, 50196};
  EXPECT_EQ(judge({.status = 400, .error = "invalid_grant", .aadsts = codes, .detail = ""}).kind, kAccountState);
}

TEST(RefusalTable, ToError_KeepsFaultsWhereTheyAre) {
  struct KindRow {
    RefusalClass kind;
    bool whole_app;
    ErrorKind expected;
    std::string_view code;
  };
  for (const KindRow& row : {KindRow{kRetry, false, ErrorKind::kHost, "token_endpoint_unavailable"},
                             {kRetry, true, ErrorKind::kHost, "token_endpoint_unavailable"},
                             {kPending, false, ErrorKind::kHost, "login_pending"},
                             {kSlowDown, false, ErrorKind::kHost, "login_slow_down"},
                             {kFixClock, true, ErrorKind::kApp, "clock_wrong"},
                             {kUserSignsIn, false, ErrorKind::kOperator, "login_needed"},
                             {kAdminConsents, false, ErrorKind::kOperator, "consent_needed"},
                             {kAdminConsents, true, ErrorKind::kApp, "consent_needed"},
                             {kAccountState, false, ErrorKind::kOperator, "account_blocked"},
                             {kAppConfiguration, true, ErrorKind::kApp, "app_misconfigured"},
                             {kAppConfiguration, false, ErrorKind::kOperator, "app_misconfigured"},
                             {kDeclined, false, ErrorKind::kOperator, "login_declined"},
                             {kExpiredCode, false, ErrorKind::kOperator, "login_code_expired"}}) {
    Refusal refusal;
    refusal.kind = row.kind;
    refusal.whole_app = row.whole_app;
    refusal.what = "seen";
    refusal.remedy = "do";
    refusal.retry_after = seconds(7);
    const Error error = to_error(refusal);
    EXPECT_EQ(error.kind, row.expected) << row.code;
    EXPECT_EQ(error.code, row.code);
    EXPECT_EQ(error.what, "seen");
    EXPECT_EQ(error.remedy, "do");
    EXPECT_EQ(error.imposed_wait, seconds(7));
  }
}

} // namespace
} // namespace mailmoor::oauth
