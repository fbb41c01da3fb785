// The second line of defence for secrets: whatever still looks like one in a log text becomes "***".
#pragma once

#include <string>
#include <string_view>

namespace mailmoor::log {

// Replaces, wherever they stand in `text`:
//   the token after "Bearer"; the value of an Authorization or Proxy-Authorization header;
//   what follows AUTHENTICATE and its mechanism (RFC 9051 §6.2.2), the arguments of a tagged LOGIN;
//   the values of form, JSON and key=value fields whose name holds "token", "secret", "password" or "assertion", or
//   is "code", "code_verifier" or "device_code";
//   anything that is shaped like a JSON web token or a Google access token.
// Prefers to hide too much. Text without a secret comes back unchanged.
[[nodiscard]] std::string redact(std::string_view text);

} // namespace mailmoor::log
