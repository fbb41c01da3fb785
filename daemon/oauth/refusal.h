// An authorization server that did not give a token: what it means and who has to do what. The classification is the
// table in refusal_table.cpp; no row of it ever says that a refresh token is dead: keep the token in every case.
#pragma once

#include "util/error.h"
#include "util/secret.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::oauth {

enum class RefusalClass {
  kRetry,            // the server or the way to it; says nothing about the account
  kFixClock,         // our clock is off
  kUserSignsIn,      // the user must sign in again; probe slowly, conditions clear
  kAdminConsents,    // a consent or a policy of the tenant
  kAccountState,     // the account is disabled, locked, unknown
  kAppConfiguration, // the client registration, or our configuration of it
  kPending,          // device flow: the user is not done yet
  kSlowDown,         // device flow: poll 5 s slower from now on
  kDeclined,         // device flow: the user said no
  kExpiredCode,      // device flow: the code ran out
};

// "retry", "fix_clock" … for logs and tests.
[[nodiscard]] std::string_view refusal_class_name(RefusalClass kind) noexcept;

struct Refusal {
  RefusalClass kind = RefusalClass::kRetry;
  // Every account of the same client registration meets it (expired client secret …): pause the app, alarm once.
  // With kRetry: a wait that is imposed holds for all of them.
  bool whole_app = false;
  std::string error;       // the OAuth error word, made safe to show; empty when there was none
  std::vector<int> aadsts; // Entra's codes in the server's order; empty elsewhere
  std::string what;        // one line: status, error, description; safe to show, without long token-like words
  std::string remedy;      // one line; empty for kPending and kSlowDown
  std::string trace;       // "trace_id=… correlation_id=… timestamp=…": what Microsoft's support asks for; or empty
  // The server's word on waiting (at most 24 h), or the least wait that its answer is known to need.
  std::optional<std::chrono::seconds> retry_after;
  // A success answer that cannot be used (no access token, another token type, cut JSON) but carried a new refresh
  // token. The old one may be revoked by now: store this one, then treat the refusal. Empty otherwise.
  Secret rotated_refresh_token;
};

// kRetry, kPending, kSlowDown: kHost. whole_app: kApp. Everything else: kOperator. Codes: "token_endpoint_unavailable",
// "clock_wrong", "login_needed", "consent_needed", "account_blocked", "app_misconfigured", "login_pending",
// "login_slow_down", "login_declined", "login_code_expired".
[[nodiscard]] Error to_error(const Refusal& refusal);

} // namespace mailmoor::oauth
