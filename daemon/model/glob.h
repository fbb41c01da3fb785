// A shell-like pattern over a folder's decoded name, such as "Lists/*" or "Sent*". A value type, any thread.
//   *      any run of characters, none included; it crosses the hierarchy delimiter, as "*" of LIST does
//   ?      any one character (a Unicode code point)
//   [a-z]  one of these; [!a-z] or [^a-z] none of these; "]" stands for itself when it comes first
//   \x     the character x itself, so "\[Gmail\]/*" is everything below "[Gmail]"
// Matching is exact about case; INBOX, which has none, is the caller's matter.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor {

class Glob final {
 public:
  // In bytes. Folder names on real servers stay below 1,000.
  static constexpr std::size_t kMaxPatternSize = 1024;

  // The error is a sentence for the person who wrote the pattern: "'[' is never closed; …".
  [[nodiscard]] static std::expected<Glob, std::string> parse(std::string_view pattern);

  // At most text × pattern steps, whatever the pattern; no allocation.
  [[nodiscard]] bool matches(std::string_view utf8) const noexcept;

  // As it was written.
  [[nodiscard]] const std::string& pattern() const noexcept { return pattern_; }

  friend bool operator==(const Glob& a, const Glob& b) noexcept { return a.pattern_ == b.pattern_; }

 private:
  struct Step {
    enum class Kind { kRun, kOne, kSet } kind = Kind::kOne;
    bool negated = false;
    std::vector<std::pair<char32_t, char32_t>> ranges; // kSet, inclusive; a literal character is a set of one

    [[nodiscard]] bool accepts(char32_t code_point) const noexcept;
  };

  Glob() = default;
  // Takes the set that follows a "[" off `rest`.
  [[nodiscard]] static std::expected<Step, std::string> take_set(std::string_view& rest);

  std::string pattern_;
  std::vector<Step> steps_;
};

} // namespace mailmoor
