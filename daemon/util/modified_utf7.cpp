#include "util/modified_utf7.h"

#include "util/base64.h"
#include "util/utf8.h"

#include <algorithm>

namespace mailmoor {
namespace {

[[nodiscard]] bool is_direct(char c) noexcept {
  return c >= 0x20 && c <= 0x7E;
}

// RFC 3501 §5.1.3: the alphabet is base64 with "," for "/", the payload UTF-16BE without padding.
[[nodiscard]] std::optional<std::string> decode_shifted(std::string_view shifted) {
  if (shifted.find_first_of("/-_=") != std::string_view::npos) return std::nullopt;
  std::string standard(shifted);
  std::ranges::replace(standard, ',', '/');
  const auto bytes = base64_decode(standard);
  if (!bytes || bytes->empty() || bytes->size() % 2 != 0) return std::nullopt;
  const auto unit = [&bytes](std::size_t i) {
    return static_cast<char32_t>((static_cast<unsigned char>((*bytes)[i]) << 8) |
                                 static_cast<unsigned char>((*bytes)[i + 1]));
  };
  std::string out;
  for (std::size_t i = 0; i < bytes->size(); i += 2) {
    char32_t code_point = unit(i);
    if (code_point >= 0xDC00 && code_point <= 0xDFFF) return std::nullopt;
    if (code_point >= 0xD800 && code_point <= 0xDBFF) {
      i += 2;
      if (i >= bytes->size()) return std::nullopt;
      const char32_t low = unit(i);
      if (low < 0xDC00 || low > 0xDFFF) return std::nullopt;
      code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code_point);
  }
  return out;
}

void append_utf16be(std::string& out, char32_t code_point) {
  const auto push_unit = [&out](char32_t unit) {
    out.push_back(static_cast<char>(unit >> 8));
    out.push_back(static_cast<char>(unit & 0xFF));
  };
  if (code_point < 0x10000) {
    push_unit(code_point);
  } else {
    push_unit(0xD800 + ((code_point - 0x10000) >> 10));
    push_unit(0xDC00 + ((code_point - 0x10000) & 0x3FF));
  }
}

} // namespace

std::optional<std::string> decode_modified_utf7(std::string_view wire) {
  std::string out;
  for (std::size_t i = 0; i < wire.size(); ++i) {
    if (!is_direct(wire[i])) return std::nullopt;
    if (wire[i] != '&') {
      out.push_back(wire[i]);
      continue;
    }
    const std::size_t end = wire.find('-', i + 1);
    if (end == std::string_view::npos) return std::nullopt;
    if (end == i + 1) {
      out.push_back('&');
    } else {
      const auto decoded = decode_shifted(wire.substr(i + 1, end - i - 1));
      if (!decoded) return std::nullopt;
      out.append(*decoded);
    }
    i = end;
  }
  return out;
}

std::string encode_modified_utf7(std::string_view utf8) {
  std::string out;
  std::string pending; // UTF-16BE of the run that cannot stand for itself
  const auto flush = [&out, &pending] {
    if (pending.empty()) return;
    std::string text = base64_encode(pending);
    text.erase(text.find_last_not_of('=') + 1);
    std::ranges::replace(text, '/', ',');
    out.push_back('&');
    out.append(text);
    out.push_back('-');
    pending.clear();
  };
  while (!utf8.empty()) {
    const auto decoded = decode_utf8(utf8);
    if (!decoded) break; // excluded by the precondition
    utf8.remove_prefix(decoded->size);
    if (decoded->code_point >= 0x20 && decoded->code_point <= 0x7E) {
      flush();
      out.push_back(static_cast<char>(decoded->code_point));
      if (decoded->code_point == '&') out.push_back('-');
    } else {
      append_utf16be(pending, decoded->code_point);
    }
  }
  flush();
  return out;
}

} // namespace mailmoor
