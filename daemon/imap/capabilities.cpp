#include "imap/capabilities.h"

#include "util/ascii.h"
#include "util/concat.h"

#include <algorithm>

namespace mailmoor::imap {

bool Capabilities::has(std::string_view name) const {
  return std::ranges::any_of(words_, [name](const std::string& word) { return equals_ignoring_case(word, name); });
}

bool Capabilities::has_auth(std::string_view mechanism) const {
  return has(concat("AUTH=", mechanism));
}

void Capabilities::replace(std::string_view words) {
  reset();
  known_ = true;
  while (!words.empty()) {
    const std::size_t space = words.find(' ');
    std::string word(words.substr(0, space));
    std::ranges::transform(word, word.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (!word.empty()) words_.push_back(std::move(word));
    words.remove_prefix(space == std::string_view::npos ? words.size() : space + 1);
  }
}

void Capabilities::reset() noexcept {
  known_ = false;
  words_.clear();
}

} // namespace mailmoor::imap
