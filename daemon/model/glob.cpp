#include "model/glob.h"

#include "util/utf8.h"

#include <algorithm>

namespace mailmoor {
namespace {

// The first code point of `text`; a byte that is not UTF-8 counts as one U+FFFD. REQUIRES: not empty.
[[nodiscard]] DecodedCodePoint first_code_point(std::string_view text) noexcept {
  return decode_utf8(text).value_or(DecodedCodePoint{0xFFFD, 1});
}

[[nodiscard]] char32_t take_code_point(std::string_view& text) noexcept {
  const auto [code_point, size] = first_code_point(text);
  text.remove_prefix(size);
  return code_point;
}

// One character of a pattern, "\" undone.
[[nodiscard]] std::expected<char32_t, std::string> take_character(std::string_view& rest) {
  const char32_t code_point = take_code_point(rest);
  if (code_point != U'\\') return code_point;
  if (rest.empty()) return std::unexpected("it ends in \"\\\", which must be followed by the character meant");
  return take_code_point(rest);
}

} // namespace

bool Glob::Step::accepts(char32_t code_point) const noexcept {
  if (kind == Kind::kOne) return true;
  const bool listed = std::ranges::any_of(
      ranges, [code_point](const auto& range) { return range.first <= code_point && code_point <= range.second; });
  return listed != negated;
}

std::expected<Glob::Step, std::string> Glob::take_set(std::string_view& rest) {
  Step step{Step::Kind::kSet, false, {}};
  if (rest.starts_with('!') || rest.starts_with('^')) {
    step.negated = true;
    rest.remove_prefix(1);
  }
  do {
    if (rest.empty()) return std::unexpected("\"[\" is never closed; write \"\\[\" for the character itself");
    const auto first = take_character(rest);
    if (!first) return std::unexpected(first.error());
    char32_t last = *first;
    if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      const auto end = take_character(rest);
      if (!end) return std::unexpected(end.error());
      last = *end;
    }
    if (last < *first) return std::unexpected("a range in \"[…]\" runs backwards; write the lower character first");
    step.ranges.emplace_back(*first, last);
  } while (!rest.starts_with(']'));
  rest.remove_prefix(1);
  return step;
}

std::expected<Glob, std::string> Glob::parse(std::string_view pattern) {
  if (pattern.empty()) return std::unexpected("it is empty; write \"*\" for every folder");
  if (pattern.size() > kMaxPatternSize) return std::unexpected("it is longer than 1024 bytes");
  if (!is_valid_utf8(pattern)) return std::unexpected("it is not UTF-8");
  Glob glob;
  glob.pattern_ = pattern;
  while (!pattern.empty()) {
    if (pattern.starts_with('*') || pattern.starts_with('?')) {
      const auto kind = pattern.front() == '*' ? Step::Kind::kRun : Step::Kind::kOne;
      glob.steps_.push_back(Step{kind, false, {}});
      pattern.remove_prefix(1);
    } else if (pattern.starts_with('[')) {
      pattern.remove_prefix(1);
      auto set = take_set(pattern);
      if (!set) return std::unexpected(std::move(set).error());
      glob.steps_.push_back(*std::move(set));
    } else {
      const auto character = take_character(pattern);
      if (!character) return std::unexpected(character.error());
      glob.steps_.push_back(Step{Step::Kind::kSet, false, {{*character, *character}}});
    }
  }
  return glob;
}

bool Glob::matches(std::string_view utf8) const noexcept {
  std::size_t step = 0;
  std::size_t at = 0;
  // Where to go on when a match fails: the latest "*" takes one character more. Earlier ones never need to.
  bool can_retry = false;
  std::size_t retry_step = 0;
  std::size_t retry_at = 0;
  for (;;) {
    if (step < steps_.size() && steps_[step].kind == Step::Kind::kRun) {
      can_retry = true;
      retry_step = ++step;
      retry_at = at;
      continue;
    }
    if (at == utf8.size() && step == steps_.size()) return true;
    if (at < utf8.size() && step < steps_.size()) {
      const auto [code_point, size] = first_code_point(utf8.substr(at));
      if (steps_[step].accepts(code_point)) {
        at += size;
        ++step;
        continue;
      }
    }
    if (!can_retry || retry_at == utf8.size()) return false;
    retry_at += first_code_point(utf8.substr(retry_at)).size;
    at = retry_at;
    step = retry_step;
  }
}

} // namespace mailmoor
