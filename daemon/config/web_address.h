// Host names and URLs in the configuration. Each check returns what is wrong and what would be right, or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::config {

// A DNS name or an IPv4 or IPv6 address, without brackets, scheme or port.
[[nodiscard]] std::optional<std::string> why_not_host(std::string_view text);

// https://host[:port][/path]; http only to this machine itself. No user, no fragment.
[[nodiscard]] std::optional<std::string> why_not_https_url(std::string_view text);

struct ListenAddress {
  std::string address; // numeric, without brackets
  std::uint16_t port = 0;
  bool is_loopback = false;
};
// "127.0.0.1:9464" or "[::1]:9464": a numeric address and a port. Empty for anything else.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

// http://host:port or socks5h://host:port.
[[nodiscard]] std::optional<std::string> why_not_proxy_url(std::string_view text);

} // namespace mailmoor::config
