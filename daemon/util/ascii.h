// Case folding that knows ASCII only, as protocols want it, whatever the locale.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace mailmoor {

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

[[nodiscard]] inline std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), ascii_lower);
  return out;
}

// Whether `needle` occurs in `text`, ignoring ASCII case.
[[nodiscard]] inline bool contains_ignoring_case(std::string_view text, std::string_view needle) {
  return !std::ranges::search(text, needle, [](char x, char y) { return ascii_lower(x) == ascii_lower(y); }).empty() ||
         needle.empty();
}

} // namespace mailmoor
