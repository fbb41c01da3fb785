#include "oauth/form_value.h"

#include "util/ascii.h"
#include "util/scope_exit.h"

#include <cstddef>

namespace mailmoor::oauth {

namespace {

bool is_form_safe(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
         c == '_' || c == '*';
}

template<class Text>
void append(Text& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_form_safe(c))
      out.push_back(c);
    else if (c == ' ')
      out.push_back('+');
    else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15U]);
    }
  }
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = ascii_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a') + 10U;
  return std::nullopt;
}

} // namespace

void append_form_encoded(std::string& out, std::string_view text) {
  append(out, text);
}

void append_form_encoded(Secret& out, std::string_view text) {
  append(out, text);
}

std::optional<Secret> form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size()); // never grows, so that no copy stays behind
  const ScopeExit wipe([&out] { wipe_memory(out.data(), out.size()); });
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return Secret(out);
}

} // namespace mailmoor::oauth
