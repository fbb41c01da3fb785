#include "util/printable.h"

#include "util/utf8.h"

namespace mailmoor {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_hex(std::string& out, char32_t value, int digits) {
  while (digits-- > 0)
    out.push_back(kHexDigits[(value >> (4 * digits)) & 0xF]);
}

bool is_harmful(char32_t c) noexcept {
  if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) return true;
  // Line and paragraph separator, bidirectional embeddings, overrides and isolates (UAX #9 §2).
  return c == 0x2028 || c == 0x2029 || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

void append_escaped(std::string& out, char32_t c) {
  switch (c) {
  case '\n': out += "\\n"; return;
  case '\r': out += "\\r"; return;
  case '\t': out += "\\t"; return;
  default: break;
  }
  out += c < 0x100 ? "\\x" : "\\u";
  append_hex(out, c, c < 0x100 ? 2 : 4);
}

} // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto decoded = decode_utf8(text);
    const std::size_t size = decoded ? decoded->size : 1;
    const char32_t c = decoded ? decoded->code_point : static_cast<unsigned char>(text.front());
    if (decoded && !is_harmful(c))
      out.append(text.substr(0, size));
    else
      append_escaped(out, c);
    text.remove_prefix(size);
  }
  return out;
}

} // namespace mailmoor
