// The table behind Refusal: what each known answer of a token endpoint means and who has to do what.
// Sources: RFC 6749 §5.2, RFC 8628 §3.5, OpenID Connect Core §3.1.2.6, Microsoft's list of AADSTS codes, and answers
// seen from Entra, Google and Keycloak.
#pragma once

#include "oauth/refusal.h"

#include <chrono>
#include <span>
#include <string_view>

namespace mailmoor::oauth {

struct Verdict {
  RefusalClass kind;
  bool whole_app;                    // see Refusal::whole_app; false unless the answer proves it
  std::string_view remedy;           // a string literal
  std::chrono::seconds least_wait{}; // the answer is known to need that long; 0: nothing is known
};

struct Answer {
  int status = 0;              // HTTP
  std::string_view error;      // OAuth's error word; empty: none, or no JSON
  std::span<const int> aadsts; // Entra's codes
  std::string_view detail;     // suberror, error_subtype and description in one text
};

// In this order: the words of the device flow whatever the HTTP status (GitHub sends them with 200), but a known
// AADSTS code before access_denied; transient HTTP statuses; the first known AADSTS code; the error word, refined by
// the detail; anything else.
[[nodiscard]] Verdict judge(const Answer& answer) noexcept;

} // namespace mailmoor::oauth
