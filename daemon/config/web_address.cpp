#include "config/web_address.h"

#include "config/quantity.h"
#include "util/ascii.h"
#include "util/concat.h"
#include "util/loopback_host.h"

#include <algorithm>
#include <arpa/inet.h>

namespace mailmoor::config {
namespace {

struct Address {
  std::string_view scheme;
  std::string_view host; // without brackets
  std::string_view port; // empty: none given
  std::string_view path; // from "/" or "?" on
};

constexpr std::string_view kUrlCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?[]@!$&'"
    "()*+,;=%#"; // RFC 3986 §2

[[nodiscard]] bool is_ip_address(int family, std::string_view text) {
  in6_addr out{}; // the larger of the two
  return inet_pton(family, std::string(text).c_str(), &out) == 1;
}

[[nodiscard]] bool is_port(std::string_view text) {
  const auto number = parse_number(text);
  return number && *number >= 1 && *number <= 65535;
}

// REQUIRES: "://" in `text`.
[[nodiscard]] Address split(std::string_view text) {
  Address out;
  const std::size_t scheme = text.find("://");
  out.scheme = text.substr(0, scheme);
  std::string_view rest = text.substr(scheme + 3);
  const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
  out.path = rest.substr(path);
  rest = rest.substr(0, path);
  // RFC 3986 §3.2.2: brackets are for IPv6. Wrong ones stay in the host, which then is none.
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const bool is_ipv6 = bracket != std::string_view::npos && is_ip_address(AF_INET6, rest.substr(1, bracket - 1)) &&
                       (bracket + 1 == rest.size() || rest[bracket + 1] == ':');
  const std::size_t colon = rest.find(':', is_ipv6 ? bracket : 0);
  out.host = is_ipv6 ? rest.substr(1, bracket - 1) : rest.substr(0, colon);
  if (colon != std::string_view::npos) out.port = rest.substr(colon + 1);
  return out;
}

// What both kinds of URL have in common; `example` shows a right one.
[[nodiscard]] std::optional<std::string> why_not_url(std::string_view text, std::string_view example) {
  if (text.size() > 2048) return "it is longer than 2048 bytes";
  if (text.find_first_not_of(kUrlCharacters) != std::string_view::npos)
    return concat("it has characters that no URL has; write it like ", example);
  if (text.find("://") == std::string_view::npos) return concat("it is no URL; write it like ", example);
  const Address address = split(text);
  const std::string_view authority = text.substr(0, text.size() - address.path.size());
  if (authority.contains('@')) return "a user name or password in a URL is not supported; take it out";
  if (auto why = why_not_host(address.host)) return why;
  if (authority.ends_with(':') || (!address.port.empty() && !is_port(address.port)))
    return "its port is not a number from 1 to 65535";
  return std::nullopt;
}

} // namespace

std::optional<std::string> why_not_host(std::string_view text) {
  if (text.contains("://")) return "it is a URL; write the host's name only";
  if (is_ip_address(AF_INET, text) || is_ip_address(AF_INET6, text)) return std::nullopt;
  if (text.contains(':')) return "it is no host name; write the name only, the port has a key of its own";
  const auto is_fine = [](char c) {
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (text.size() > 253 || text.empty() || text.starts_with('.') || text.contains("..") ||
      !std::ranges::all_of(text, is_fine))
    return "it is no host name; write one like imap.example.org, other than ASCII in its \"xn--\" form";
  return std::nullopt;
}

std::optional<std::string> why_not_https_url(std::string_view text) {
  if (auto why = why_not_url(text, "https://login.example.org")) return why;
  const Address address = split(text);
  if (address.path.contains('#')) return "it has a \"#\" part; take it out";
  if (address.scheme == "https") return std::nullopt;
  if (address.scheme != "http") return "its scheme is not https; write https://…";
  if (is_loopback_host(address.host)) return std::nullopt;
  return "http would show secrets to the network; write https://… (http is for this machine itself)";
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!is_ip_address(bracketed ? AF_INET6 : AF_INET, host)) return std::nullopt;
  ListenAddress out;
  out.address = host;
  out.port = static_cast<std::uint16_t>(*parse_number(text.substr(colon + 1)));
  out.is_loopback = is_loopback_host(host);
  return out;
}

std::optional<std::string> why_not_proxy_url(std::string_view text) {
  if (auto why = why_not_url(text, "http://proxy.example:3128")) return why;
  const Address address = split(text);
  if (address.scheme != "http" && address.scheme != "socks5h")
    return "its scheme is neither http nor socks5h; write http://host:port or socks5h://host:port";
  if (address.port.empty()) return "it has no port; write one, as in http://proxy.example:3128";
  if (!address.path.empty() && address.path != "/") return "it has a path; write scheme, host and port only";
  return std::nullopt;
}

} // namespace mailmoor::config
