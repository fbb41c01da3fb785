#include "imap/lexer.h"

#include "imap/framer.h"
#include "util/ascii.h"

#include <charconv>

namespace mailmoor::imap {
namespace {

// ASTRING-CHAR = ATOM-CHAR / "]"; octets above 0x7F are let through: UTF-8 names (RFC 9051 §5.1).
constexpr bool is_astring_char(char c) noexcept {
  const auto octet = static_cast<unsigned char>(c);
  return octet > 0x20 && octet != 0x7F && std::string_view("(){%*\"\\").find(c) == std::string_view::npos;
}

constexpr bool is_flag_char(char c) noexcept {
  const auto octet = static_cast<unsigned char>(c);
  return octet > 0x20 && octet != 0x7F && c != '(' && c != ')' && c != '{' && c != '"';
}

} // namespace

bool Lexer::take(char c) noexcept {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool Lexer::take_word(std::string_view word) noexcept {
  const std::string_view left = rest();
  if (!equals_ignoring_case(left.substr(0, word.size()), word)) return false;
  if (left.size() > word.size() && is_astring_char(left[word.size()])) return false;
  at_ += word.size();
  return true;
}

std::optional<std::string_view> Lexer::take_atom() noexcept {
  std::size_t end = at_;
  while (end < text_.size() && is_astring_char(text_[end]))
    ++end;
  if (end == at_) return std::nullopt;
  const std::string_view atom = text_.substr(at_, end - at_);
  at_ = end;
  return atom;
}

std::optional<std::string_view> Lexer::take_flag() noexcept {
  std::size_t end = at_;
  while (end < text_.size() && is_flag_char(text_[end]))
    ++end;
  if (end == at_) return std::nullopt;
  const std::string_view flag = text_.substr(at_, end - at_);
  at_ = end;
  return flag;
}

std::optional<std::uint64_t> Lexer::take_number() noexcept {
  std::uint64_t value = 0;
  const char* const first = text_.data() + at_;
  const char* const last = text_.data() + text_.size();
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc()) return std::nullopt;
  if (end != last && is_astring_char(*end) && *end != ',' && *end != ':') return std::nullopt; // uid-set follows too
  at_ += static_cast<std::size_t>(end - first);
  return value;
}

std::optional<std::uint32_t> Lexer::take_nz_number() noexcept {
  const std::size_t start = at_;
  const auto value = take_number();
  if (value && *value != 0 && *value <= 0xFFFF'FFFF) return static_cast<std::uint32_t>(*value);
  at_ = start;
  return std::nullopt;
}

// quoted = DQUOTE *QUOTED-CHAR DQUOTE
std::optional<Lexer::StringToken> Lexer::take_quoted() noexcept {
  bool escaped = false;
  for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
    const char c = text_[i];
    if (c == '\\') {
      escaped = true;
      ++i;
    } else if (c == '"') {
      const StringToken token{text_.substr(at_ + 1, i - at_ - 1), escaped};
      at_ = i + 1;
      return token;
    } else if (c == '\0') {
      break;
    }
  }
  fail(Status::kMalformed);
  return std::nullopt;
}

// literal = "{" number64 ["+"] "}" CRLF *CHAR8, literal8 = "~{" number64 "}" CRLF *OCTET
std::optional<Lexer::StringToken> Lexer::take_literal() noexcept {
  const std::size_t close = text_.find('}', at_);
  const auto size =
      close == std::string_view::npos ? std::nullopt : announced_literal(text_.substr(at_, close + 1 - at_));
  if (!size) {
    fail(Status::kMalformed);
    return std::nullopt;
  }
  const std::string_view after = text_.substr(close + 1);
  if (after.empty()) {
    fail(Status::kPending);
    return std::nullopt;
  }
  if (!after.starts_with("\r\n") || after.size() - 2 < *size) {
    fail(Status::kMalformed);
    return std::nullopt;
  }
  const std::string_view content = after.substr(2, static_cast<std::size_t>(*size));
  if (content.find('\0') != std::string_view::npos) {
    fail(Status::kMalformed);
    return std::nullopt;
  }
  at_ = close + 3 + content.size();
  return StringToken{content, false};
}

std::optional<Lexer::StringToken> Lexer::take_string() noexcept {
  const std::string_view left = rest();
  if (left.starts_with('"')) return take_quoted();
  if (left.starts_with('{') || left.starts_with("~{")) return take_literal();
  return std::nullopt;
}

std::optional<std::string> Lexer::take_astring() {
  if (const auto string = take_string()) return unescape(*string);
  if (!ok()) return std::nullopt;
  if (const auto atom = take_atom()) return std::string(*atom);
  return std::nullopt;
}

void Lexer::skip_spaces() noexcept {
  while (take(' ')) {
  }
}

void Lexer::expect(char c) noexcept {
  if (ok() && !take(c)) fail(Status::kMalformed);
}

void Lexer::expect_value() noexcept {
  std::size_t depth = 0;
  do {
    if (!ok()) return;
    if (depth != 0) skip_spaces();
    if (take('(')) {
      if (++depth > max_depth_) fail(Status::kTooDeep);
    } else if (depth != 0 && take(')')) {
      --depth;
    } else if (!take_string() && ok() && !take_flag()) {
      fail(Status::kMalformed);
    }
  } while (depth != 0);
}

bool Lexer::expect_item(bool& first) noexcept {
  if (!ok() || take(')')) return false;
  if (!first) expect(' ');
  first = false;
  if (extra_space_) {
    skip_spaces();
    if (take(')')) return false;
  }
  return ok();
}

void Lexer::expect_end() noexcept {
  if (extra_space_) skip_spaces();
  if (ok() && !at_end()) fail(Status::kMalformed);
}

std::string unescape(const Lexer::StringToken& token) {
  if (!token.escaped) return std::string(token.raw);
  std::string out;
  out.reserve(token.raw.size());
  for (std::size_t i = 0; i < token.raw.size(); ++i) {
    if (token.raw[i] == '\\') ++i; // a quoted string never ends with a lone backslash
    out.push_back(token.raw[i]);
  }
  return out;
}

} // namespace mailmoor::imap
