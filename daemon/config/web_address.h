// Host names and URLs in the configuration. Each check returns what is wrong and what would be right, or nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::config {

// A DNS name or an IPv4 or IPv6 address, without brackets, scheme or port.
[[nodiscard]] std::optional<std::string> why_not_host(std::string_view text);

// https://host[:port][/path]; http only to this machine itself. No user, no fragment.
[[nodiscard]] std::optional<std::string> why_not_https_url(std::string_view text);

// http://host:port or socks5h://host:port.
[[nodiscard]] std::optional<std::string> why_not_proxy_url(std::string_view text);

} // namespace mailmoor::config
