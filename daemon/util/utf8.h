// UTF-8 (RFC 3629): strict decoding and encoding of one code point at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor {

struct DecodedCodePoint {
  char32_t code_point;
  std::size_t size; // bytes taken, 1 to 4
};

// The code point at the start of `text`; empty on overlong forms, surrogates, values above U+10FFFF, or a cut one.
[[nodiscard]] std::optional<DecodedCodePoint> decode_utf8(std::string_view text) noexcept;
// Appends the UTF-8 form. REQUIRES: a Unicode scalar value.
void append_utf8(std::string& out, char32_t code_point);
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;

} // namespace mailmoor
