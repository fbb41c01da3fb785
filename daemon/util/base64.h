// Base64 and base64url, RFC 4648 §4 and §5.
#pragma once

#include "util/secret.h"

#include <optional>
#include <string>
#include <string_view>

namespace mailmoor {

// Standard alphabet with padding.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
// The same, into a Secret, without leaving copies behind. So is base64_decode_secret().
[[nodiscard]] Secret base64_encode_secret(std::string_view bytes);
// URL alphabet without padding (RFC 7636 Appendix A).
[[nodiscard]] std::string base64url_encode(std::string_view bytes);
// Standard or URL alphabet, padding optional, no white space. Empty on any other byte or an impossible length.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
[[nodiscard]] std::optional<Secret> base64_decode_secret(std::string_view text);

} // namespace mailmoor
