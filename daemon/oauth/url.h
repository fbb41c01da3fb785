// The little of RFC 3986 that this room needs: to tell what a URL would make us contact.
#pragma once

#include <optional>
#include <string_view>

namespace mailmoor::oauth {

// Views into the text.
struct WebUrl {
  bool is_https = false;
  std::string_view host;   // IPv6 without brackets
  std::string_view origin; // scheme, host and port
  std::string_view path;   // all that follows the origin: path, query, fragment
};

// An absolute http or https URL in printable ASCII with a host, no user info, at most 2048 bytes; else empty.
[[nodiscard]] std::optional<WebUrl> parse_web_url(std::string_view text) noexcept;

} // namespace mailmoor::oauth
