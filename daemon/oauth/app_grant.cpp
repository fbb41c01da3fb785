#include "oauth/app_grant.h"

#include <algorithm>
#include <utility>

namespace mailmoor::oauth {

namespace {

constexpr std::string_view kPermission =
    "give the app registration IMAP.AccessAsApp (an application permission of Office 365 Exchange Online) and grant "
    "admin consent";
constexpr std::string_view kAppPolicy = "a policy of the tenant blocks the app: exempt it (workload identities)";
constexpr std::string_view kAppItself =
    "check client_id, the endpoints and client_secret or certificate against the app registration";
constexpr std::string_view kDelegation =
    "in the Workspace admin console grant the service account's client id domain-wide delegation for the app's scopes";
constexpr std::string_view kUser =
    "check `user`: it must be an active user of the Workspace domain, by primary address";

bool is_code(const Refusal& refusal, std::initializer_list<int> codes) {
  return std::ranges::any_of(refusal.aadsts,
                             [codes](int code) { return std::ranges::find(codes, code) != codes.end(); });
}

bool speaks_to_a_person(std::string_view remedy) {
  return remedy.contains("login") || remedy.contains("sign in") || remedy.contains("--flow");
}

void set(Refusal& refusal, RefusalClass kind, bool whole_app, std::string_view remedy) {
  refusal.kind = kind;
  refusal.whole_app = whole_app;
  refusal.remedy = std::string(remedy); // which may be a view of itself
}

void as_app(Refusal& refusal) {
  switch (refusal.kind) {
  case RefusalClass::kRetry:
  case RefusalClass::kPending:
  case RefusalClass::kSlowDown: return set(refusal, RefusalClass::kRetry, refusal.whole_app, refusal.remedy);
  case RefusalClass::kFixClock: refusal.whole_app = true; return;
  case RefusalClass::kAppConfiguration: {
    const bool is_for_people = speaks_to_a_person(refusal.remedy) || is_code(refusal, {7000218});
    return set(refusal, refusal.kind, true, is_for_people ? kAppItself : std::string_view(refusal.remedy));
  }
  case RefusalClass::kAdminConsents:
  case RefusalClass::kDeclined: {
    const bool is_policy = is_code(refusal, {53003, 530032, 530035, 50097, 53000, 53001, 53002, 53004, 53011});
    return set(refusal, RefusalClass::kAdminConsents, true, is_policy ? kAppPolicy : kPermission);
  }
  case RefusalClass::kUserSignsIn:
  case RefusalClass::kAccountState:
  case RefusalClass::kExpiredCode: return set(refusal, RefusalClass::kAppConfiguration, true, kAppItself);
  }
}

// What whole_app says already is about the service account; the rest is about the one user.
void as_service_account(Refusal& refusal) {
  switch (refusal.kind) {
  case RefusalClass::kRetry:
  case RefusalClass::kPending:
  case RefusalClass::kSlowDown: return set(refusal, RefusalClass::kRetry, refusal.whole_app, refusal.remedy);
  case RefusalClass::kFixClock: return;
  case RefusalClass::kAppConfiguration:
    if (refusal.error == "invalid_client" || refusal.error == "invalid_scope" || speaks_to_a_person(refusal.remedy))
      return set(refusal, refusal.kind, true,
                 "check service_account_key and `scopes`: is the service account still there?");
    return;
  case RefusalClass::kAdminConsents:
  case RefusalClass::kDeclined: return set(refusal, RefusalClass::kAdminConsents, refusal.whole_app, kDelegation);
  case RefusalClass::kUserSignsIn:
  case RefusalClass::kAccountState:
  case RefusalClass::kExpiredCode: return set(refusal, RefusalClass::kAccountState, false, kUser);
  }
}

} // namespace

Refusal without_person(Refusal refusal, AppGrant grant) {
  switch (grant) {
  case AppGrant::kClientCredentials: as_app(refusal); break;
  case AppGrant::kServiceAccount: as_service_account(refusal); break;
  }
  return refusal;
}

} // namespace mailmoor::oauth
