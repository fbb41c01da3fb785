#include "oauth/refusal_table.h"

#include "util/ascii.h"

#include <algorithm>

namespace mailmoor::oauth {

namespace {

using enum RefusalClass;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr bool kOneAccount = false;
constexpr bool kWholeApp = true;

constexpr Verdict kWaits{kRetry, kOneAccount, "none needed: Mailmoor tries again"};
// The endpoint's word, whoever asked it.
constexpr Verdict kEndpointWaits{kRetry, kWholeApp, "none needed: Mailmoor tries again"};
constexpr Verdict kSignIn{kUserSignsIn, kOneAccount, "sign in again: mailmoorctl login"};
constexpr Verdict kSignInMfa{kUserSignsIn, kOneAccount,
                             "sign in again and complete the second factor: mailmoorctl login"};
constexpr Verdict kNewPassword{kUserSignsIn, kOneAccount, "the user sets a new password, then: mailmoorctl login"};
constexpr Verdict kConsent{kAdminConsents, kOneAccount,
                           "an administrator grants the app consent for its mail permission; then: mailmoorctl login"};
constexpr Verdict kPolicy{kAdminConsents, kOneAccount,
                          "a tenant policy blocks this sign-in: exempt the app, or sign in with another --flow"};
constexpr Verdict kDevice{kAdminConsents, kOneAccount,
                          "a tenant policy asks for a managed device: exempt the app from it"};
constexpr Verdict kPermissions{
    kAdminConsents, kWholeApp,
    "add IMAP.AccessAsUser.All (or IMAP.AccessAsApp) to the app registration and grant admin consent"};
constexpr Verdict kWrongTenant{kAccountState, kOneAccount,
                               "the account is not in the app's tenant: check the user name and `tenant`"};
constexpr Verdict kWrongUser{kAccountState, kOneAccount, "the user is not in the Workspace domain: check `user`"};
constexpr Verdict kDisabled{kAccountState, kOneAccount, "an administrator enables the account again"};
constexpr Verdict kClock{kFixClock, kWholeApp, "set this host's clock (timedatectl; is NTP running?)"};
constexpr Verdict kClientId{kAppConfiguration, kWholeApp, "check client_id and `tenant` against the app registration"};
constexpr Verdict kClientSecret{kAppConfiguration, kWholeApp,
                                "check client_secret: the secret's value, not its ID, and not expired"};
constexpr Verdict kCertificate{kAppConfiguration, kWholeApp,
                               "check that `certificate` is the one in the app registration and its key fits"};
constexpr Verdict kTenant{kAppConfiguration, kWholeApp, "set `tenant` to the tenant's ID or domain"};
constexpr Verdict kRedirect{kAppConfiguration, kWholeApp,
                            "register http://localhost under \"Mobile and desktop applications\""};
constexpr Verdict kScopes{kAppConfiguration, kWholeApp,
                          "check `scopes`: only those of one resource that the app registration has"};
constexpr Verdict kRequest{kAppConfiguration, kOneAccount,
                           "check the app's endpoints and client_id; if they are right, sign in again"};
constexpr Verdict kCodeRanOut{kExpiredCode, kOneAccount, "start again: mailmoorctl login"};

// Words that steer a device login, whatever the HTTP status. access_denied is none of them where Entra's code says
// more: an administrator's consent is missing, not the user's.
struct DeviceRow {
  std::string_view error;
  Verdict verdict;
};
constexpr DeviceRow kDeviceWords[] = {
    {"authorization_pending", {kPending, kOneAccount, ""}},
    {"slow_down", {kSlowDown, kOneAccount, ""}},
    {"authorization_declined", {kDeclined, kOneAccount, "the user declined; to ask again: mailmoorctl login"}}, // Entra
    {"access_denied", {kDeclined, kOneAccount, "the user declined; to ask again: mailmoorctl login"}},
    {"expired_token", kCodeRanOut},
    {"code_expired", kCodeRanOut},
    {"bad_verification_code", kCodeRanOut}, // Entra
};

// Codes that mean the same with every error word. 9002313 (malformed) is none: it goes by the word, for with
// invalid_grant it is the refresh token that is malformed, and with invalid_request the request.
struct CodeRow {
  int code;
  Verdict verdict;
};
constexpr CodeRow kCodes[] = {
    // Comes as invalid_grant, and the token is as good as ever: "LoopDetected", too many requests of one client.
    {50196, {kRetry, kOneAccount, "none needed: Mailmoor waits and tries again", minutes(5)}},
    {90055, {kRetry, kWholeApp, "none needed: the tenant is throttled, Mailmoor waits", minutes(1)}},
    {90033, kWaits},
    {90024, kWaits},
    {90006, kWaits},
    {90012, kWaits},
    {90090, kWaits},
    {50033, kWaits},
    {50087, kWaits},
    {50088, kWaits},
    {50000, kWaits},
    {70012, kWaits},
    {40010, kWaits},
    {80001, kWaits},
    {80002, kWaits},
    {80014, kWaits},

    {70016, {kPending, kOneAccount, ""}},
    {70018, kCodeRanOut},
    {70019, kCodeRanOut},
    {70020, kCodeRanOut},

    {700024, kClock},
    {50013, kClock},
    {500133, kClock},

    {50072, kSignInMfa},
    {50074, kSignInMfa},
    {50076, kSignInMfa},
    {50078, kSignInMfa},
    {50079, kSignInMfa},
    {50158, kSignInMfa},
    {500121, kSignInMfa},
    {50055, kNewPassword},
    {50144, kNewPassword},
    {50135, kNewPassword},
    {50142, kNewPassword},
    {700084,
     {kUserSignsIn, kOneAccount,
      "sign in again; tokens of a single-page app live 24 h: register a \"Mobile and desktop\" redirect instead"}},
    {50173, kSignIn},
    {70008, kSignIn},
    {700082, kSignIn},
    {70043, kSignIn},
    {50089, kSignIn},
    {50132, kSignIn},
    {50133, kSignIn},
    {70000, kSignIn},
    {50140, kSignIn},
    {54005, kSignIn},
    {700020, kSignIn},
    {700003, kSignIn},
    {50143, kSignIn},
    {50085, kSignIn},
    {501481, kSignIn},

    {65001, kConsent},
    {65004, {kAdminConsents, kOneAccount, "the user declined consent; to ask again: mailmoorctl login"}},
    {90094, kConsent},
    {90095, kConsent},
    {90093, kConsent},
    {650052, kPermissions},
    {650056, kPermissions},
    {650057, kPermissions},
    {65005, kPermissions},
    {500011, kPermissions},
    {1000031, kPermissions},
    {53003, kPolicy},
    {530032, kPolicy},
    {530035, kPolicy},
    {53004, kPolicy},
    {53011, kPolicy},
    {53010, kPolicy},
    {50131, kPolicy},
    {50097, kDevice},
    {50129, kDevice},
    {53000, kDevice},
    {53001, kDevice},
    {53002, kDevice},
    {50105, {kAdminConsents, kOneAccount, "an administrator assigns the user to the enterprise application"}},

    {50057, kDisabled},
    {50053,
     {kAccountState, kOneAccount,
      "the account is locked or this host's address blocked: wait, then ask an administrator"}},
    {50126, {kAccountState, kOneAccount, "wrong user name or password: mailmoorctl login"}},
    {50034, kWrongTenant},
    {50020, kWrongTenant},
    {500208, kWrongTenant},
    {51004, kWrongTenant},
    {90038, {kAccountState, kOneAccount, "the account lives in another Microsoft cloud: check `cloud`"}},
    {900382, {kAccountState, kOneAccount, "the account lives in another Microsoft cloud: check `cloud`"}},

    {7000215, kClientSecret},
    {7000216, {kAppConfiguration, kWholeApp, "the app is a confidential client: give client_secret"}},
    {7000222, {kAppConfiguration, kWholeApp, "the client secret has expired: make a new one and configure it"}},
    {7000218,
     {kAppConfiguration, kWholeApp,
      "set \"Allow public client flows\" to Yes in the app registration, or give client_secret"}},
    {700025, {kAppConfiguration, kWholeApp, "the app is a public client: take client_secret out of the configuration"}},
    {700027, kCertificate},
    {700030, kCertificate},
    {700023, kCertificate},
    {700016, kClientId},
    {70001, kClientId},
    {7000112, {kAppConfiguration, kWholeApp, "an administrator enables the application in the tenant again"}},
    {7000229, {kAppConfiguration, kWholeApp, "an administrator adds the enterprise application to the tenant"}},
    {90002, kTenant},
    {90019, kTenant},
    {50059, kTenant},
    {50128, kTenant},
    {50194, kTenant},
    {9001023, kTenant},
    {90130, kTenant},
    {90124, kTenant},
    {9002332, {kAppConfiguration, kOneAccount, "the app does not admit personal accounts: register it for those too"}},
    {65002, {kAppConfiguration, kWholeApp, "this client_id is Microsoft's own: register an app of your own"}},
    {70011, kScopes},
    {700022, kScopes},
    {50011, kRedirect},
    {70004, kRedirect},
    {900144, kRequest},
};

// `detail`: counts only when the answer's detail contains it (ASCII case ignored); empty: always. First match wins.
struct WordRow {
  std::string_view error;
  std::string_view detail;
  Verdict verdict;
};
constexpr WordRow kWords[] = {
    {"temporarily_unavailable", "", kWaits},
    {"server_error", "", kWaits},
    {"internal_failure", "", kWaits}, // Google
    {"rate_limit_exceeded", "", {kRetry, kOneAccount, "none needed: Mailmoor waits and tries again", minutes(1)}},

    // Entra without a code: the clock, the suberrors that name the one who must act.
    {"invalid_client", "valid time range", kClock},
    {"invalid_grant", "consent_required", kConsent},
    {"invalid_grant", "user_password_expired", kNewPassword},
    // Google, service accounts: the claims' times, the key, the user, the domain-wide delegation.
    {"invalid_grant", "reasonable timeframe", kClock},
    {"invalid_grant", "invalid jwt signature", {kAppConfiguration, kWholeApp, "check the service account's key"}},
    {"invalid_grant",
     "account not found",
     {kAppConfiguration, kWholeApp, "the service account is gone: make a new one"}},
    {"invalid_grant", "invalid email or user id", kWrongUser},
    {"unauthorized_client",
     "unauthorized to retrieve access tokens",
     {kAdminConsents, kWholeApp, "grant the client domain-wide delegation for https://mail.google.com/"}},
    // Google Workspace: the session length that the administrator set has passed.
    {"invalid_grant",
     "invalid_rapt",
     {kUserSignsIn, kOneAccount, "sign in again; or exempt the app from Google Cloud session control"}},
    // Google, Keycloak.
    {"invalid_grant", "account disabled", kDisabled},
    {"invalid_grant", "user disabled", kDisabled},
    {"invalid_grant", "robot is disabled", kDisabled},
    {"invalid_grant", "account has been deleted", kDisabled},
    {"invalid_grant", "", kSignIn},
    {"interaction_required", "", kSignInMfa},
    {"login_required", "", kSignIn},
    {"account_selection_required", "", kSignIn},
    {"mfa_required", "", kSignInMfa}, // Auth0
    {"consent_required", "", kConsent},

    {"admin_policy_enforced", "", kPolicy}, // Google
    {"org_internal", "", kPolicy},          // Google

    {"invalid_client", "", {kAppConfiguration, kWholeApp, "check client_id and client_secret"}},
    {"deleted_client", "", kClientId},  // Google
    {"disabled_client", "", kClientId}, // Google
    {"unauthorized_client", "", {kAppConfiguration, kWholeApp, "allow this sign-in flow in the app registration"}},
    {"unsupported_grant_type", "", {kAppConfiguration, kWholeApp, "the server lacks this flow: try another --flow"}},
    {"invalid_scope",
     "device flow",
     {kAppConfiguration, kWholeApp,
      "Google's device flow has no mail scope: mailmoorctl login --flow browser or paste"}},
    {"invalid_scope", "", kScopes},
    {"invalid_target", "", kScopes},   // RFC 8707 §2
    {"invalid_resource", "", kScopes}, // Entra
    {"redirect_uri_mismatch", "", kRedirect},
    {"invalid_request", "", kRequest},
};

// 408, 425 and 429 say "later"; every 5xx is the server's own trouble.
bool is_transient(int status) {
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600);
}

const Verdict* find_code(int code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return &row.verdict;
  }
  return nullptr;
}

bool has_known_code(const Answer& answer) {
  return std::ranges::any_of(answer.aadsts, [](int code) { return find_code(code) != nullptr; });
}

} // namespace

Verdict judge(const Answer& answer) noexcept {
  for (const DeviceRow& row : kDeviceWords) {
    if (row.error == answer.error && !(row.error == "access_denied" && has_known_code(answer))) return row.verdict;
  }
  // A 429 that names no wait needs one: MSAL blocks for 60 s.
  if (answer.status == 429) return {kRetry, kWholeApp, "none needed: Mailmoor waits and tries again", minutes(1)};
  if (is_transient(answer.status)) return kEndpointWaits;
  for (const int code : answer.aadsts) {
    if (const Verdict* const found = find_code(code); found != nullptr) return *found;
  }
  for (const WordRow& row : kWords) {
    if (row.error == answer.error && contains_ignoring_case(answer.detail, row.detail)) return row.verdict;
  }
  // Not OAuth's words: a proxy, a captive portal, a wrong URL. It proves nothing about the account.
  if (answer.error.empty()) return {kRetry, kOneAccount, "if it lasts, check the app's endpoints and the proxy"};
  return {kAppConfiguration, kOneAccount, "look the error up in the provider's documentation"};
}

} // namespace mailmoor::oauth
