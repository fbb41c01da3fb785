#include "oauth/token_diagnosis.h"

#include "oauth/shown_text.h"
#include "util/ascii.h"
#include "util/concat.h"

#include <algorithm>
#include <array>
#include <span>

namespace mailmoor::oauth {
namespace {

using Findings = std::vector<TokenFinding>;
using enum TokenFinding::Verdict;

constexpr std::string_view kDelegatedPermission = "IMAP.AccessAsUser.All";
constexpr std::string_view kAppPermission = "IMAP.AccessAsApp";
constexpr std::string_view kPersonalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"; // of every personal account

// Exchange Online by each of its names, the last one its application id.
constexpr std::array<std::string_view, 6> kExchangeAudiences = {
    "https://outlook.office.com",       "https://outlook.office365.com", "https://outlook.office365.us",
    "https://outlook-dod.office365.us", "https://partner.outlook.cn",    "00000002-0000-0ff1-ce00-000000000000"};
// Microsoft Graph, likewise.
constexpr std::array<std::string_view, 5> kGraphAudiences = {
    "https://graph.microsoft.com", "https://graph.microsoft.us", "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn", "00000003-0000-0000-c000-000000000000"};
constexpr std::array<std::string_view, 2> kGmailScopes = {"https://mail.google.com/",
                                                          "https://www.googleapis.com/auth/gmail.imap_admin"};

[[nodiscard]] std::string_view without_slash(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

[[nodiscard]] bool is_one_of(std::span<const std::string_view> names, std::string_view text) {
  return std::ranges::any_of(
      names, [text](std::string_view name) { return equals_ignoring_case(without_slash(name), without_slash(text)); });
}

[[nodiscard]] std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words)
    out += concat(out.empty() ? "" : " ", word);
  return out;
}

// A scope may stand with its resource before it: "https://outlook.office.com/IMAP.AccessAsUser.All".
[[nodiscard]] bool holds(const std::vector<std::string>& scopes, std::string_view permission) {
  return std::ranges::any_of(scopes, [permission](std::string_view scope) {
    if (const std::size_t slash = scope.rfind('/'); slash != std::string_view::npos) scope.remove_prefix(slash + 1);
    return equals_ignoring_case(scope, permission);
  });
}

[[nodiscard]] std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end != 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

[[nodiscard]] std::string sign_in_again(const TokenExpectations& expected) {
  return concat("run: mailmoorctl login ", expected.mailbox);
}

[[nodiscard]] TokenFinding describe(const std::optional<TokenFacts>& facts, std::string_view granted,
                                    UnixTime ends_at) {
  TokenFinding finding{.about = "token", .what = "", .remedy = ""};
  const std::string scope = granted.empty() ? "" : concat("; granted scope: ", shown_text(granted, 512));
  if (!facts) {
    finding.what = concat("opaque (no JWT): nothing can be read in it; good until ", to_rfc3339(ends_at), scope);
    return finding;
  }
  finding.what = facts->is_app_only ? "JWT of the app itself" : "JWT";
  const auto add = [&finding](std::string_view name, std::string_view value) {
    if (!value.empty()) finding.what += concat("; ", name, " ", value);
  };
  add("audience", joined(facts->audiences));
  add("scopes", joined(facts->scopes));
  add("roles", joined(facts->roles));
  add("tenant", facts->tenant);
  add("user", facts->user);
  add("app", facts->app_id);
  add("until", facts->expires_at ? to_rfc3339(*facts->expires_at) : std::string());
  return finding;
}

void look_at_audience(const TokenFacts& facts, const TokenExpectations& expected, Findings& findings) {
  if (expected.service != MailService::kExchange) return;
  const bool good =
      std::ranges::any_of(facts.audiences, [](const std::string& name) { return is_one_of(kExchangeAudiences, name); });
  if (good) return findings.push_back({.about = "token_audience", .what = "the token is for Exchange", .remedy = ""});
  const bool graph =
      std::ranges::any_of(facts.audiences, [](const std::string& name) { return is_one_of(kGraphAudiences, name); });
  const std::string audience = facts.audiences.empty() ? "nobody (no aud)" : joined(facts.audiences);
  const std::string_view scope =
      facts.is_app_only ? "https://outlook.office365.com/.default" : "https://outlook.office.com/IMAP.AccessAsUser.All";
  findings.push_back(
      {.about = "token_audience",
       .verdict = kWrong,
       .what =
           concat("the token is for ", graph ? "Microsoft Graph, not for Exchange: " : "another service: ", audience),
       .remedy = concat("give the app's scopes with the mail resource in full (", scope, "; other clouds: their own), ",
                        facts.is_app_only ? "then reload" : "reload, then " + sign_in_again(expected))});
}

void look_at_exchange_permission(const TokenFacts& facts, const TokenExpectations& expected, Findings& findings) {
  if (facts.is_app_only) {
    if (holds(facts.roles, kAppPermission))
      return findings.push_back({.about = "token_permission", .what = "IMAP.AccessAsApp is there", .remedy = ""});
    return findings.push_back(
        {.about = "token_permission",
         .verdict = kWrong,
         .what = concat("the token lacks the role IMAP.AccessAsApp; it has: ",
                        facts.roles.empty() ? "none" : joined(facts.roles)),
         .remedy = "Entra, app registration, API permissions: add Office 365 Exchange Online, application permission "
                   "IMAP.AccessAsApp, and grant admin consent"});
  }
  if (holds(facts.scopes, kDelegatedPermission))
    return findings.push_back({.about = "token_permission", .what = "IMAP.AccessAsUser.All is there", .remedy = ""});
  findings.push_back({.about = "token_permission",
                      .verdict = kWrong,
                      .what = concat("the token lacks the scope IMAP.AccessAsUser.All; it has: ",
                                     facts.scopes.empty() ? "none" : joined(facts.scopes)),
                      .remedy = concat("Entra, app registration, API permissions: add the delegated permission "
                                       "IMAP.AccessAsUser.All, then ",
                                       sign_in_again(expected))});
}

void look_at_granted(std::string_view granted, const TokenExpectations& expected, Findings& findings) {
  if (granted.empty() || expected.service == MailService::kOther) return;
  const std::vector<std::string> scopes = words_of(granted);
  const bool good =
      expected.service == MailService::kExchange
          ? holds(scopes, kDelegatedPermission) || holds(scopes, kAppPermission) || holds(scopes, ".default")
          : std::ranges::any_of(scopes, [](const std::string& scope) { return is_one_of(kGmailScopes, scope); });
  if (good)
    return findings.push_back({.about = "token_permission", .what = "the mail permission was granted", .remedy = ""});
  const std::string_view wanted =
      expected.service == MailService::kExchange ? kDelegatedPermission : std::string_view(kGmailScopes.front());
  findings.push_back({.about = "token_permission",
                      .verdict = kWrong,
                      .what = concat("the scope ", wanted, " was not granted"),
                      .remedy = concat("add it to the app's scopes and to its registration, allow it when signing in, "
                                       "and ",
                                       sign_in_again(expected))});
}

// The name in a token need not be the address: a UPN may be user@corp.local. So this is a doubt, never a failure.
void look_at_user(const TokenFacts& facts, const TokenExpectations& expected, Findings& findings) {
  if (facts.is_app_only || facts.user.empty() || facts.user.find('@') == std::string::npos) return;
  const bool shared = !equals_ignoring_case(expected.user, expected.login_user);
  if (!equals_ignoring_case(facts.user, expected.login_user))
    return findings.push_back(
        {.about = "token_user",
         .verdict = kDoubtful,
         .what = concat("the token is ", facts.user, "'s, the configuration says ", expected.login_user),
         .remedy = concat("if ", facts.user, " is another name of the same account all is well; if not, sign in as ",
                          expected.login_user, " (mailmoorctl login ", expected.mailbox,
                          ") or set login_user: ", facts.user)});
  findings.push_back(
      {.about = "token_user",
       .what = shared ? concat(facts.user, ", for the shared mailbox ", expected.user, ": needs Full Access to it")
                      : concat("the token is ", facts.user, "'s"),
       .remedy = ""});
}

[[nodiscard]] bool is_guid(std::string_view text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
}

void look_at_tenant(const TokenFacts& facts, const TokenExpectations& expected, Findings& findings) {
  if (expected.service != MailService::kExchange || facts.tenant.empty()) return;
  const bool personal = facts.tenant == kPersonalTenant;
  const bool other_id = is_guid(expected.tenant) && !equals_ignoring_case(expected.tenant, facts.tenant);
  const bool wants_personal = expected.tenant == "consumers";
  const bool wants_work = expected.tenant == "organizations" || expected.tenant.find('.') != std::string::npos;
  if (!other_id && !(wants_personal && !personal) && !(wants_work && personal)) return;
  findings.push_back({.about = "token_tenant",
                      .verdict = kWrong,
                      .what = concat("the token is of tenant ", facts.tenant, personal ? " (personal accounts)" : "",
                                     ", the app is for ", expected.tenant),
                      .remedy = concat("correct the app's tenant and reload, or sign in with an account of that tenant "
                                       "(mailmoorctl login ",
                                       expected.mailbox, ")")});
}

void look_at_times(const TokenFacts& facts, const TokenExpectations& expected, UnixTime now, Findings& findings) {
  constexpr std::chrono::minutes kSkew{5}; // what servers are used to forgive
  if (facts.expires_at && *facts.expires_at <= now)
    findings.push_back({.about = "token_expiry",
                        .verdict = kWrong,
                        .what = concat("by this machine's clock the token ended ", to_rfc3339(*facts.expires_at)),
                        .remedy = concat("set this machine's clock right; if it is, ", sign_in_again(expected))});
  if (facts.not_before && *facts.not_before > now + kSkew)
    findings.push_back(
        {.about = "token_expiry",
         .verdict = kDoubtful,
         .what = concat("by this machine's clock the token is not good before ", to_rfc3339(*facts.not_before)),
         .remedy = "set this machine's clock right"});
}

// Exchange's answer does not tell these apart; the token's own object id is the one that New-ServicePrincipal wants.
[[nodiscard]] std::string app_only_remedy(const TokenFacts& facts, const TokenExpectations& expected) {
  return concat("in Exchange Online: New-ServicePrincipal -AppId ", facts.app_id.empty() ? "CLIENT-ID" : facts.app_id,
                " -ObjectId ", facts.object_id.empty() ? "ENTERPRISE-APP-OBJECT-ID" : facts.object_id,
                " (the enterprise application's object id, not the app registration's); Add-MailboxPermission ",
                expected.user, " -User that id -AccessRights FullAccess; see that Get-CASMailbox ", expected.user,
                " says ImapEnabled; what was granted just now may take an hour");
}

} // namespace

std::vector<TokenFinding> diagnose_token(const std::optional<TokenFacts>& facts, std::string_view granted,
                                         UnixTime ends_at, const TokenExpectations& expected, UnixTime now) {
  Findings findings = {describe(facts, granted, ends_at)};
  if (!facts) {
    look_at_granted(granted, expected, findings);
    return findings;
  }
  look_at_audience(*facts, expected, findings);
  if (expected.service == MailService::kExchange)
    look_at_exchange_permission(*facts, expected, findings);
  else
    look_at_granted(granted, expected, findings);
  look_at_user(*facts, expected, findings);
  look_at_tenant(*facts, expected, findings);
  look_at_times(*facts, expected, now, findings);
  return findings;
}

std::string refused_login_remedy(const std::optional<TokenFacts>& facts, const std::vector<TokenFinding>& findings,
                                 const TokenExpectations& expected) {
  if (std::ranges::any_of(findings, [](const TokenFinding& finding) { return finding.verdict == kWrong; })) return "";
  if (expected.service == MailService::kGmail)
    return concat("see that the sign-in was ", expected.user, "'s own, and that IMAP is allowed for the account");
  if (expected.service == MailService::kOther)
    return concat("see that the server accepts tokens of this app for ", expected.user);
  if (facts && facts->is_app_only) return app_only_remedy(*facts, expected);
  const bool shared = !equals_ignoring_case(expected.user, expected.login_user);
  return concat(shared ? concat("see that ", expected.login_user, " has Full Access to ", expected.user, "; ") : "",
                "see that ", expected.user, " is the mailbox's primary address, that Get-CASMailbox ", expected.user,
                " says ImapEnabled, and that it has a licence");
}

} // namespace mailmoor::oauth
