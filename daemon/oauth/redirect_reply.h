// What the authorization endpoint sends back through the browser (RFC 6749 §4.1.2): the query of the address to which
// it redirected. It comes from a listener or from a person who copied it out of the browser's address bar.
#pragma once

#include "util/result.h"
#include "util/secret.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mailmoor::oauth {

// Entra's codes have 1 to 2 kB, and no documented bound; a terminal gives no longer line than 4 kB.
inline constexpr std::size_t kMaxCodeBytes = 8UL * 1024;
inline constexpr std::size_t kMaxRedirectBytes = 16UL * 1024;

// Either a code or an error is there. What is for showing is printable and bounded.
struct RedirectReply {
  Secret code;
  Secret state;                  // of which request; never empty
  std::string error;             // RFC 6749 §4.1.2.1
  std::string error_description; // as sent, bounded; show it with shown_description()
  std::string issuer;            // RFC 9207 §2; empty when the server does not say
};

// Takes the whole address or its query alone, in quotes or not, broken into lines or not. Errors: kOperator
// "redirect_not_understood", with what is wrong for the one who copied it.
[[nodiscard]] Result<RedirectReply> parse_redirect(std::string_view text);

} // namespace mailmoor::oauth
