#include "imap/response_code.h"

#include "imap/lexer.h"
#include "util/ascii.h"

#include <algorithm>
#include <cstddef>

namespace mailmoor::imap {
namespace {

[[nodiscard]] std::string to_upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

// Where the "]" is that closes the "[" before `text`, strings and their brackets skipped.
[[nodiscard]] std::size_t closing_bracket(std::string_view text) {
  Lexer lexer(text, 0, /*extra_space=*/false);
  while (!lexer.at_end() && lexer.ok()) {
    if (lexer.rest().starts_with(']')) return lexer.position();
    if (lexer.take_string() || !lexer.ok()) continue;
    lexer.take(text[lexer.position()]);
  }
  // A lone quotation mark or brace: text that was never meant to be a string. Not so when there is a literal (only a
  // literal brings a line end): its octets are not searched.
  return text.contains('\n') || lexer.status() == Lexer::Status::kPending ? std::string_view::npos : text.find(']');
}

} // namespace

ResponseText parse_response_text(std::string_view text) {
  if (!text.starts_with('[')) return {std::nullopt, std::string(text)};
  const std::string_view inner = text.substr(1);
  const std::size_t end = closing_bracket(inner);
  const std::string_view code = inner.substr(0, end);
  const std::size_t space = code.find(' ');
  const std::string_view atom = code.substr(0, space);
  if (end == std::string_view::npos || atom.empty()) return {std::nullopt, std::string(text)};
  ResponseCode parsed{to_upper(atom), space == std::string_view::npos ? "" : std::string(code.substr(space + 1))};
  std::string_view rest = inner.substr(end + 1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  return {std::move(parsed), std::string(rest)};
}

} // namespace mailmoor::imap
