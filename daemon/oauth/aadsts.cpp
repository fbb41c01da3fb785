#include "oauth/aadsts.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace mailmoor::oauth {

void append_aadsts(std::vector<int>& codes, std::int64_t code) {
  constexpr std::size_t kMaxCodes = 8;
  if (code <= 0 || code > std::numeric_limits<int>::max() || codes.size() == kMaxCodes) return;
  const int value = static_cast<int>(code);
  if (std::ranges::find(codes, value) == codes.end()) codes.push_back(value);
}

void append_aadsts(std::vector<int>& codes, std::string_view text) {
  constexpr std::string_view kPrefix = "AADSTS";
  for (std::size_t at = text.find(kPrefix); at != std::string_view::npos; at = text.find(kPrefix, at)) {
    at += kPrefix.size();
    std::int64_t code = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && code < 1'000'000'000; ++at)
      code = code * 10 + (text[at] - '0');
    append_aadsts(codes, code);
  }
}

} // namespace mailmoor::oauth
