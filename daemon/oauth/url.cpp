#include "oauth/url.h"

#include "util/ascii.h"

#include <algorithm>
#include <cstddef>

namespace mailmoor::oauth {

namespace {

constexpr std::size_t kMaxUrlBytes = 2048;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}
bool is_host_character(char c) {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '.' || c == '-' || c == '_';
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

// host [ ":" port ], host = "[" IPv6address "]" / reg-name without percent escapes
std::optional<std::string_view> host_of(std::string_view authority) {
  std::string_view host;
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
    if (!std::ranges::all_of(host, [](char c) { return is_hex(c) || c == ':' || c == '.'; })) return std::nullopt;
  } else {
    host = authority.substr(0, authority.find(':'));
    rest = authority.substr(host.size());
    if (!std::ranges::all_of(host, is_host_character)) return std::nullopt;
  }
  if (host.empty() || (!rest.empty() && !(rest.front() == ':' && is_port(rest.substr(1))))) return std::nullopt;
  return host;
}

} // namespace

std::optional<WebUrl> parse_web_url(std::string_view text) noexcept {
  if (text.size() > kMaxUrlBytes) return std::nullopt;
  const auto is_allowed = [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '<' && c != '>' && c != '\\'; };
  if (!std::ranges::all_of(text, is_allowed)) return std::nullopt;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = text.substr(0, scheme_end);
  const bool is_https = equals_ignoring_case(scheme, "https");
  if (!is_https && !equals_ignoring_case(scheme, "http")) return std::nullopt;
  const std::size_t authority_at = scheme_end + 3;
  const std::size_t authority_end = std::min(text.find_first_of("/?#", authority_at), text.size());
  const auto host = host_of(text.substr(authority_at, authority_end - authority_at));
  if (!host) return std::nullopt;
  return WebUrl{is_https, *host, text.substr(0, authority_end), text.substr(authority_end)};
}

} // namespace mailmoor::oauth
