#include "util/loopback_host.h"

#include "util/ascii.h"

#include <algorithm>
#include <cstddef>

namespace mailmoor {
namespace {

// dec-octet (RFC 3986 §3.2.2): 0 to 255, no zero in front, which some resolvers read as octal.
[[nodiscard]] bool is_octet(std::string_view text) noexcept {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return false;
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return false;
  return text.size() < 3 || text <= "255";
}

// Any other spelling, 127.example.org or 127.1 among them, may mean another machine.
[[nodiscard]] bool is_dotted_quad(std::string_view host) noexcept {
  for (int dots = 0; dots < 3; ++dots) {
    const std::size_t dot = host.find('.');
    if (dot == std::string_view::npos || !is_octet(host.substr(0, dot))) return false;
    host.remove_prefix(dot + 1);
  }
  return is_octet(host);
}

} // namespace

bool is_loopback_host(std::string_view host) noexcept {
  return equals_ignoring_case(host, "localhost") || host == "::1" || (host.starts_with("127.") && is_dotted_quad(host));
}

} // namespace mailmoor
