// Every answer of a token endpoint, through the real client, keeper, vault and mailbox: who has to do what, when it is
// asked again, what `status` says, and that the refresh token is still there.
#include "mailbox/mailbox_world.h"
#include "mailbox/token_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::string_view kId = "app/alice@example.com";

// What a mailbox without a living access token is to look like, and when the next request may come.
struct Outcome {
  MailboxState state;
  std::string_view code;
  ErrorKind kind;
  seconds earliest;
  seconds latest;
};
using enum MailboxState;
// The first steps of the ladders in oauth/refresh_policy.h.
constexpr Outcome kRetried{kBackingOff, "token_endpoint_unavailable", ErrorKind::kHost, 1s, 2s};
constexpr Outcome kRetriedInAMinute{kBackingOff, "token_endpoint_unavailable", ErrorKind::kHost, 60s, 66s};
constexpr Outcome kRetriedIn5Minutes{kBackingOff, "token_endpoint_unavailable", ErrorKind::kHost, 300s, 330s};
constexpr Outcome kClock{kFailed, "clock_wrong", ErrorKind::kApp, 600s, 600s};
constexpr Outcome kUser{kNeedsLogin, "login_needed", ErrorKind::kOperator, 3600s, 4500s};
constexpr Outcome kAdmin{kFailed, "consent_needed", ErrorKind::kOperator, 3600s, 4500s};
constexpr Outcome kAdminForAll{kFailed, "consent_needed", ErrorKind::kApp, 3600s, 4500s};
constexpr Outcome kAccount{kFailed, "account_blocked", ErrorKind::kOperator, 3600s, 4500s};
constexpr Outcome kApp{kFailed, "app_misconfigured", ErrorKind::kApp, 3600s, 4500s};
constexpr Outcome kAppForOne{kFailed, "app_misconfigured", ErrorKind::kOperator, 3600s, 4500s};

struct Row {
  std::string_view name;
  int status;
  std::string body;
  std::string headers; // beside Content-Type; complete lines
  Outcome outcome;
  std::string_view remedy;               // a part of it
  std::string_view refresh_token = "R1"; // in the vault afterwards
};

// As Entra has it: description with trace, list of codes, timestamp, error_uri.
[[nodiscard]] std::string entra(std::string_view error, int code, std::string_view text, std::string_view more = "") {
  return concat(
      R"({"error":")", error, R"(","error_description":"AADSTS)", code, ": ", text,
      R"( Trace ID: 0a1b2c3d-1111-2222-3333-444455556666 Correlation ID: 99999999-aaaa-bbbb-cccc-dddddddddddd )",
      R"(Timestamp: 2023-11-14 22:13:20Z","error_codes":[)", code,
      R"(],"timestamp":"2023-11-14 22:13:20Z","trace_id":"0a1b2c3d-1111-2222-3333-444455556666",)",
      R"("correlation_id":"99999999-aaaa-bbbb-cccc-dddddddddddd",)",
      R"("error_uri":"https://login.microsoftonline.com/error?code=)", code, "\"", more, "}");
}
// Without error_codes, as for consumers.
[[nodiscard]] std::string described(std::string_view error, std::string_view text) {
  return concat(R"({"error":")", error, R"(","error_description":")", text, "\"}");
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      // the server or the way to it
      {"Html503", 503, "<html><body>Service Unavailable</body></html>", "", kRetried, ""},
      {"Html502Proxy", 502, "<html>Bad Gateway</html>", "", kRetried, ""},
      {"Empty500", 500, "", "", kRetried, ""},
      {"Timeout504", 504, "upstream request timeout", "", kRetried, ""},
      {"Html503RetryAfterSeconds", 503, "<html>", "Retry-After: 300\r\n", kRetriedIn5Minutes, ""},
      {"Json429WithoutRetryAfter", 429, entra("invalid_request", 90055, "throttled"), "", kRetriedInAMinute, ""},
      {"Html429WithoutRetryAfter", 429, "<html>Too many requests</html>", "", kRetriedInAMinute, ""},
      {"Json429RetryAfterSeconds", 429, "{}", "Retry-After: 300\r\n", kRetriedIn5Minutes, ""},
      {"Json429RetryAfterDate", 429, "{}",
       "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nRetry-After: Tue, 14 Nov 2023 22:18:20 GMT\r\n", kRetriedIn5Minutes, ""},
      {"Json429RetryAfterDateOfASkewedServer", 429, "{}",
       "Date: Wed, 15 Nov 2023 04:00:00 GMT\r\nRetry-After: Wed, 15 Nov 2023 04:05:00 GMT\r\n", kRetriedIn5Minutes, ""},
      {"Json429RetryAfterGarbage", 429, "{}", "Retry-After: soon\r\n", kRetriedInAMinute, ""},
      {"Json429RetryAfterInThePast", 429, "{}", "Retry-After: Tue, 14 Nov 2023 22:00:00 GMT\r\n", kRetriedInAMinute,
       ""},
      {"TruncatedJson200", 200, R"({"token_type":"Bearer","access_token":"A2)", "", kRetried, ""},
      {"TruncatedJson400", 400, R"({"error":"invalid_grant","error_desc)", "", kRetried, ""},
      {"CaptivePortal200", 200, "<html>Please sign in to the hotel's network</html>", "", kRetried, ""},
      {"EmptyJson200", 200, "{}", "", kRetried, ""},
      {"NotFound404", 404, "404 page not found", "", kRetried, "endpoints"},
      {"ForbiddenByProxy403", 403, "<html>Blocked by policy</html>", "", kRetried, "proxy"},
      {"TemporarilyUnavailable", 400, described("temporarily_unavailable", "try later"), "", kRetried, ""},
      {"ServerError", 400, described("server_error", "oops"), "", kRetried, ""},
      {"Transient90033", 400, entra("invalid_grant", 90033, "A transient error has occurred."), "", kRetried, ""},
      {"Timeout90012", 400, entra("invalid_grant", 90012, "RequestTimeout"), "", kRetried, ""},
      {"Budget90024", 400, entra("invalid_grant", 90024, "RequestBudgetExceeded"), "", kRetried, ""},
      {"OnPremises80001", 400, entra("invalid_grant", 80001, "OnPremiseStoreIsNotAvailable"), "", kRetried, ""},
      {"Loop50196AsInvalidGrant", 400, entra("invalid_grant", 50196, "Loop detected"), "", kRetriedIn5Minutes, ""},
      {"Tenant90055", 400, entra("invalid_request", 90055, "TenantThrottlingError"), "", kRetriedInAMinute, ""},
      {"NoAccessTokenButARotatedOne", 200, R"({"token_type":"Bearer","refresh_token":"R2","expires_in":3600})", "",
       kRetried, "", "R2"},
      // the clock
      {"Assertion700024SkewedDate", 401, entra("invalid_client", 700024, "not within its valid time range"),
       "Date: Tue, 14 Nov 2023 21:13:20 GMT\r\n", kClock, "clock"},
      {"Assertion500133", 400, entra("invalid_grant", 500133, "not within its valid time range"), "", kClock, "clock"},
      {"Assertion50013", 400, entra("invalid_grant", 50013, "Assertion failed"), "", kClock, "clock"},
      {"GoogleClock", 400,
       described("invalid_grant", "Invalid JWT: Token must be a short-lived token and in a "
                                  "reasonable timeframe"),
       "", kClock, "clock"},
      // the user
      {"Revoked50173", 400, entra("invalid_grant", 50173, "The grant has been revoked"), "", kUser, "login alice"},
      {"Inactive700082", 400, entra("invalid_grant", 700082, "expired due to inactivity"), "", kUser, "login alice"},
      {"Expired70008", 400, entra("invalid_grant", 70008, "expired"), "", kUser, "login alice"},
      {"Spa700084", 400, entra("invalid_grant", 700084, "single page app"), "", kUser, "login alice"},
      {"Mfa50076WithClaims", 400,
       entra("invalid_grant", 50076, "you must use multi-factor authentication",
             R"(,"suberror":"basic_action","claims":"{\"access_token\":{\"capolids\":{\"essential\":true}}}")"),
       "", kUser, "login alice"},
      {"Mfa50079", 400, entra("interaction_required", 50079, "must enroll"), "", kUser, "login alice"},
      {"Frequency70043", 400, entra("invalid_grant", 70043, "sign-in frequency"), "", kUser, "login alice"},
      {"Password50055", 400, entra("invalid_grant", 50055, "password expired"), "", kUser, "login alice"},
      {"Session50133", 400, entra("invalid_grant", 50133, "session revoked"), "", kUser, "login alice"},
      {"ConsumerWithoutCodes", 400, described("invalid_grant", "AADSTS70000: refresh token is not valid"), "", kUser,
       "login alice"},
      {"BadTokenSuberror", 400, R"({"error":"invalid_grant","suberror":"bad_token"})", "", kUser, "login alice"},
      {"LoginRequired", 400, described("login_required", "no session"), "", kUser, "login alice"},
      {"UnknownCode", 400, entra("invalid_grant", 999999, "nobody has seen it yet"), "", kUser, "login alice"},
      {"GoogleRevoked", 400, described("invalid_grant", "Token has been expired or revoked."), "", kUser,
       "login alice"},
      {"GoogleRapt", 400, R"({"error":"invalid_grant","error_subtype":"invalid_rapt"})", "", kUser, "login alice"},
      {"KeycloakInactive", 400, described("invalid_grant", "Token is not active"), "", kUser, "login alice"},
      // an administrator
      {"Consent65001", 400, entra("invalid_grant", 65001, "has not consented"), "", kAdmin, "administrator"},
      {"ConsentRequiredSuberror", 400, R"({"error":"invalid_grant","suberror":"consent_required"})", "", kAdmin,
       "administrator"},
      {"AdminConsent90094", 400, entra("consent_required", 90094, "admin consent"), "", kAdmin, "administrator"},
      {"AccessDenied90094", 400, entra("access_denied", 90094, "admin consent"), "", kAdmin, "administrator"},
      {"ConditionalAccess53003", 400, entra("invalid_grant", 53003, "Blocked by Conditional Access"), "", kAdmin,
       "policy"},
      {"SecurityDefaults530035", 400, entra("invalid_grant", 530035, "security defaults"), "", kAdmin, "policy"},
      {"Device53000", 400, entra("invalid_grant", 53000, "device state"), "", kAdmin, "device"},
      {"NotAssigned50105", 400, entra("invalid_grant", 50105, "not assigned"), "", kAdmin, "assigns"},
      {"GooglePolicy", 400, described("admin_policy_enforced", "blocked"), "", kAdmin, "policy"},
      {"Permissions650052", 401, entra("invalid_client", 650052, "lacks a service principal"), "", kAdminForAll,
       "IMAP.AccessAsUser.All"},
      {"NoServicePrincipal500011", 400, entra("invalid_resource", 500011, "not found in tenant"), "", kAdminForAll,
       "IMAP.AccessAsUser.All"},
      // the account
      {"Disabled50057", 400, entra("invalid_grant", 50057, "disabled"), "", kAccount, "enables"},
      {"Locked50053", 400, entra("invalid_grant", 50053, "locked"), "", kAccount, "locked"},
      {"Unknown50034", 400, entra("invalid_grant", 50034, "does not exist"), "", kAccount, "tenant"},
      {"BadPassword50126", 400, entra("invalid_grant", 50126, "invalid username or password"), "", kAccount, "wrong"},
      {"GoogleDisabled", 400, described("invalid_grant", "Account disabled"), "", kAccount, "enables"},
      {"GoogleUnknownUser", 400, described("invalid_grant", "Invalid email or User ID"), "", kAccount, "user"},
      // the app
      {"SecretExpired7000222", 401, entra("invalid_client", 7000222, "keys are expired"), "", kApp, "expired"},
      {"SecretWrong7000215", 401, entra("invalid_client", 7000215, "Invalid client secret"), "", kApp, "value, not"},
      {"Certificate700027", 401, entra("invalid_client", 700027, "signature"), "", kApp, "certificate"},
      {"PublicFlowsOff7000218", 401, entra("invalid_client", 7000218, "must contain client_secret"), "", kApp,
       "public client flows"},
      {"PublicWithSecret700025", 401, entra("invalid_client", 700025, "Client is public"), "", kApp, "take client"},
      {"UnknownApp700016", 400, entra("unauthorized_client", 700016, "not found in the directory"), "", kApp,
       "client_id"},
      {"AppDisabled7000112", 400, entra("unauthorized_client", 7000112, "disabled"), "", kApp, "enables"},
      {"UnknownTenant90002", 400, entra("invalid_request", 90002, "Tenant not found"), "", kApp, "tenant"},
      {"SingleTenant50194", 400, entra("invalid_request", 50194, "not multi-tenant"), "", kApp, "tenant"},
      {"Scope70011", 400, entra("invalid_scope", 70011, "scope is not valid"), "", kApp, "scopes"},
      {"TwoResources700022", 400, entra("invalid_grant", 700022, "more than one resource"), "", kApp, "scopes"},
      {"PlainInvalidClient", 401, described("invalid_client", "client authentication failed"), "", kApp, "client_id"},
      {"GoogleDeletedClient", 401, described("deleted_client", "The OAuth client was deleted."), "", kApp, "client_id"},
      {"MacToken", 200, R"({"token_type":"MAC","access_token":"A2","refresh_token":"R2","expires_in":3600})", "", kApp,
       "Bearer", "R2"},
      {"Malformed900144", 400, entra("invalid_request", 900144, "must contain grant_type"), "", kAppForOne,
       "endpoints"},
      {"UnknownWord", 400, described("quota_of_the_moon", "?"), "", kAppForOne, "documentation"},
  };
  return table;
}

class OutcomeTest : public MailboxWorld, public ::testing::WithParamInterface<std::size_t> {
 protected:
  OutcomeTest() {
    OauthClientSettings made;
    made.registration.app_name = "app";
    made.registration.client_id = "client";
    made.registration.endpoints.token = http.url("/token");
    client = std::make_unique<OauthClient>(world.services, std::move(made));
    keeper = std::make_unique<TokenKeeper>(world.services, *client, std::string(kId), "alice");
  }
  ~OutcomeTest() override { mailbox.reset(); }
  void store_expired_token() {
    store::StoredToken token;
    token.access_token = Secret("A1");
    token.refresh_token = Secret("R1");
    token.obtained_at = world.now() - 2h;
    token.expires_at = world.now() - 1h;
    ASSERT_TRUE(world.vault.save_token_blocking(kId, token));
  }
  [[nodiscard]] std::string stored_refresh_token() {
    const auto token = world.vault.load_token_blocking(kId);
    return token && *token ? std::string((*token)->refresh_token.reveal()) : "none";
  }
  HttpServer http{world.loop};
  std::unique_ptr<OauthClient> client;
  std::unique_ptr<TokenKeeper> keeper;
};

TEST_P(OutcomeTest, IsTheOneOfTheTable) {
  const Row& row = rows().at(GetParam());
  ASSERT_NO_FATAL_FAILURE(store_expired_token());
  const bool is_json = row.body.starts_with('{');
  http.answer = [&](const auto&) {
    return HttpServer::Reply{row.status, row.body,
                             concat("Content-Type: ", is_json ? "application/json" : "text/html", "\r\n", row.headers)};
  };
  keeper->start();
  start(keeper.get());
  ASSERT_TRUE(world.until([this] { return mailbox->last_error().has_value(); }));
  // What people read.
  EXPECT_EQ(row.outcome.state, mailbox->view().state);
  EXPECT_EQ(row.outcome.code, mailbox->last_error()->code);
  EXPECT_EQ(row.outcome.kind, mailbox->last_error()->kind);
  EXPECT_FALSE(mailbox->view().reason.empty());
  EXPECT_THAT(mailbox->view().remedy, HasSubstr(std::string(row.remedy)));
  EXPECT_FALSE(mailbox->view().remedy.contains('\n'));
  EXPECT_EQ(0, server.connections) << "there was nothing to log in with";
  // What is kept.
  EXPECT_EQ(row.refresh_token, stored_refresh_token());
  // When it is asked again.
  ASSERT_EQ(1U, http.requests.size());
  http.answer = [](const auto&) { return HttpServer::json(200, grant_json("A9", "R9")); };
  world.pass(row.outcome.earliest - 1s);
  ASSERT_TRUE(world.until([this] { return !keeper->is_refreshing(); }));
  EXPECT_EQ(1U, http.requests.size()) << "too soon";
  world.pass(row.outcome.latest - row.outcome.earliest + 2s);
  ASSERT_TRUE(world.until([this] { return http.requests.size() == 2; }));
  EXPECT_THAT(http.requests[1].body, HasSubstr(concat("refresh_token=", row.refresh_token)));
  // And all is well by itself.
  ASSERT_TRUE(idles());
  EXPECT_FALSE(mailbox->last_error());
  EXPECT_EQ("R9", stored_refresh_token());
}

INSTANTIATE_TEST_SUITE_P(Answers, OutcomeTest, ::testing::Range(std::size_t{0}, rows().size()),
                         [](const auto& row) { return std::string(rows().at(row.param).name); });

// Successes of unusual shapes.
struct Grant {
  std::string_view name;
  std::string_view body;
  std::string_view refresh_token; // in the vault afterwards
  seconds life;
};
class GrantTest : public OutcomeTest {};
TEST_F(GrantTest, ShapesOfSuccess) {
  for (const Grant& grant :
       {Grant{"rotated", R"({"token_type":"Bearer","access_token":"A2","expires_in":4321,"refresh_token":"R2"})", "R2",
              4321s},
        {"no refresh_token", R"({"token_type":"Bearer","access_token":"A3","expires_in":3599})", "R2", 3599s},
        {"expires_in as text", R"({"token_type":"Bearer","access_token":"A4","expires_in":"3599"})", "R2", 3599s},
        {"refresh_in", R"({"token_type":"Bearer","access_token":"A5","expires_in":7200,"refresh_in":3600})", "R2",
         7200s},
        {"ext_expires_in is not believed",
         R"({"token_type":"Bearer","access_token":"A6","expires_in":3600,"ext_expires_in":90000})", "R2", 3600s},
        {"lower-case type, null refresh_token",
         R"({"token_type":"bearer","access_token":"A7","expires_in":3600,"refresh_token":null})", "R2", 3600s},
        {"no expires_in", R"({"token_type":"Bearer","access_token":"A8"})", "R2", 3600s}}) {
    SCOPED_TRACE(grant.name);
    keeper = nullptr;
    if (grant.name == "rotated") {
      ASSERT_NO_FATAL_FAILURE(store_expired_token());
    }
    auto token = world.vault.load_token_blocking(kId);
    ASSERT_TRUE(token && *token);
    (*token)->obtained_at = world.now() - 2h;
    (*token)->expires_at = world.now() - 1h;
    ASSERT_TRUE(world.vault.save_token_blocking(kId, **token));
    http.answer = [&](const auto&) { return HttpServer::json(200, std::string(grant.body)); };
    keeper = std::make_unique<TokenKeeper>(world.services, *client, std::string(kId), "alice");
    keeper->start();
    world.run_ready();
    const auto got = world.finish(keeper->access_token());
    ASSERT_TRUE(got) << got.error().what;
    EXPECT_EQ(grant.refresh_token, stored_refresh_token());
    EXPECT_EQ(world.now() + grant.life, keeper->expires_at());
    world.clock.advance(1s);
  }
}

TEST(OutcomeTable, HasAllThatWasAskedFor) {
  EXPECT_GE(rows().size(), 60U);
}

} // namespace
} // namespace mailmoor::mailbox
