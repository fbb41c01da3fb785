#include "oauth/refusal.h"

namespace mailmoor::oauth {

namespace {

struct ClassNames {
  std::string_view name;
  std::string_view code;
};

ClassNames names_of(RefusalClass kind) noexcept {
  switch (kind) {
  case RefusalClass::kRetry: return {"retry", "token_endpoint_unavailable"};
  case RefusalClass::kFixClock: return {"fix_clock", "clock_wrong"};
  case RefusalClass::kUserSignsIn: return {"user_signs_in", "login_needed"};
  case RefusalClass::kAdminConsents: return {"admin_consents", "consent_needed"};
  case RefusalClass::kAccountState: return {"account_state", "account_blocked"};
  case RefusalClass::kAppConfiguration: return {"app_configuration", "app_misconfigured"};
  case RefusalClass::kPending: return {"pending", "login_pending"};
  case RefusalClass::kSlowDown: return {"slow_down", "login_slow_down"};
  case RefusalClass::kDeclined: return {"declined", "login_declined"};
  case RefusalClass::kExpiredCode: return {"expired_code", "login_code_expired"};
  }
  return {"retry", "token_endpoint_unavailable"};
}

ErrorKind error_kind_of(const Refusal& refusal) noexcept {
  switch (refusal.kind) {
  case RefusalClass::kRetry:
  case RefusalClass::kPending:
  case RefusalClass::kSlowDown: return ErrorKind::kHost;
  case RefusalClass::kFixClock:
  case RefusalClass::kUserSignsIn:
  case RefusalClass::kAdminConsents:
  case RefusalClass::kAccountState:
  case RefusalClass::kAppConfiguration:
  case RefusalClass::kDeclined:
  case RefusalClass::kExpiredCode: return refusal.whole_app ? ErrorKind::kApp : ErrorKind::kOperator;
  }
  return ErrorKind::kBug;
}

} // namespace

std::string_view refusal_class_name(RefusalClass kind) noexcept {
  return names_of(kind).name;
}

Error to_error(const Refusal& refusal) {
  Error error(error_kind_of(refusal), std::string(names_of(refusal.kind).code), refusal.what, refusal.remedy);
  error.imposed_wait = refusal.retry_after;
  return error;
}

} // namespace mailmoor::oauth
