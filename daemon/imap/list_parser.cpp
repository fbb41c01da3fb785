#include "imap/list_parser.h"

#include "util/ascii.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::imap {
namespace {

// mbx-list-flags in parentheses, lower case.
[[nodiscard]] std::vector<std::string> expect_attributes(Lexer& lexer) {
  std::vector<std::string> attributes;
  lexer.expect('(');
  for (bool first = true; lexer.expect_item(first);) {
    if (const auto flag = lexer.take_flag())
      attributes.push_back(to_lower_ascii(*flag));
    else
      lexer.fail(Lexer::Status::kMalformed);
  }
  return attributes;
}

// (DQUOTE QUOTED-CHAR DQUOTE / nil); NUL for nil and for the "" that some servers send instead.
[[nodiscard]] char expect_delimiter(Lexer& lexer) {
  if (lexer.take_nil()) return '\0';
  const auto token = lexer.take_string();
  const std::string text = token ? unescape(*token) : std::string();
  if (!token || text.size() > 1) lexer.fail(Lexer::Status::kMalformed);
  return text.size() == 1 ? text.front() : '\0';
}

// mailbox [SP mbox-list-extended], to the end.
[[nodiscard]] std::optional<std::string> take_listed_name(Lexer& lexer, const Quirks& quirks) {
  const std::string_view all = lexer.rest();
  const bool is_bare = !all.starts_with('"') && !all.starts_with('{') && !all.starts_with("~{");
  auto name = lexer.take_astring();
  if (name) {
    if (lexer.rest().starts_with(" (")) { // mbox-list-extended: nothing in it that we need
      lexer.expect(' ');
      lexer.expect_value();
    }
    lexer.expect_end();
    if (lexer.ok()) return name;
  }
  if (!is_bare || !quirks.name_not_quoted || lexer.status() == Lexer::Status::kTooDeep) return std::nullopt;
  const std::string_view bare = all.substr(0, all.find_last_not_of(' ') + 1);
  if (bare.empty() || bare.find('\0') != std::string_view::npos) return std::nullopt;
  return std::string(bare);
}

[[nodiscard]] std::optional<std::string> take_status_name(Lexer& lexer, const Quirks& quirks) {
  const std::string_view all = lexer.rest();
  Lexer attempt = lexer;
  auto name = attempt.take_astring();
  if (name && attempt.take(' ') && attempt.rest().starts_with('(')) {
    lexer = attempt;
    return name;
  }
  const std::size_t list = all.rfind(" (");
  if (!quirks.name_not_quoted || list == std::string_view::npos || list == 0 || all.starts_with('"') ||
      all.starts_with('{') || all.find('\0') != std::string_view::npos)
    return std::nullopt;
  lexer = Lexer(all.substr(list + 1), 1, quirks.extra_space);
  return std::string(all.substr(0, list));
}

// status-att-val; values that are out of range are as good as not sent.
void set_status_item(FolderState& state, std::string_view item, std::uint64_t value) {
  const auto narrow = value <= 0xFFFF'FFFF ? static_cast<std::uint32_t>(value) : 0;
  if (equals_ignoring_case(item, "MESSAGES"))
    state.messages = narrow;
  else if (equals_ignoring_case(item, "UIDNEXT"))
    state.uid_next = Uid::from(narrow);
  else if (equals_ignoring_case(item, "UIDVALIDITY"))
    state.uid_validity = UidValidity::from(narrow);
  else if (equals_ignoring_case(item, "HIGHESTMODSEQ") && value != 0) // 0: no CONDSTORE here (RFC 7162 §3.1.2.1)
    state.highest_mod_seq = ModSeq::from(value);
}

} // namespace

// mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]
std::optional<ListEntry> parse_list(Lexer& lexer, const Quirks& quirks) {
  auto attributes = expect_attributes(lexer);
  lexer.expect(' ');
  if (!lexer.ok()) return std::nullopt;
  const char delimiter = expect_delimiter(lexer);
  lexer.expect(' ');
  if (!lexer.ok()) return std::nullopt;
  const auto name = take_listed_name(lexer, quirks);
  if (!name) return std::nullopt;
  const bool selectable =
      std::ranges::none_of(attributes, [](const std::string& a) { return a == "\\noselect" || a == "\\nonexistent"; });
  return ListEntry{FolderName::from_wire(*name, delimiter), selectable, std::move(attributes)};
}

// mailbox SP "(" [status-att-list] ")"
std::optional<StatusEntry> parse_status(Lexer& lexer, const Quirks& quirks) {
  const auto name = take_status_name(lexer, quirks);
  if (!name) return std::nullopt;
  FolderState state;
  lexer.expect('(');
  for (bool first = true; lexer.expect_item(first);) {
    const auto item = lexer.take_atom();
    lexer.expect(' ');
    if (!item || !lexer.ok()) return std::nullopt;
    if (const auto value = lexer.take_number())
      set_status_item(state, *item, *value);
    else
      lexer.expect_value();
  }
  lexer.expect_end();
  if (!lexer.ok()) return std::nullopt;
  return StatusEntry{FolderName::from_wire(*name, '\0'), state};
}

// id-params-list = "(" *(string SP nstring) ")" / nil
std::optional<ServerId> parse_id(Lexer& lexer) {
  ServerId id;
  if (lexer.take_nil()) return id;
  lexer.expect('(');
  for (bool first = true; lexer.expect_item(first);) {
    auto key = lexer.take_string();
    lexer.expect(' ');
    if (!key || !lexer.ok()) return std::nullopt;
    if (const auto value = lexer.take_string())
      id.fields.emplace_back(to_lower_ascii(unescape(*key)), unescape(*value));
    else if (!lexer.take_nil())
      return std::nullopt;
  }
  lexer.expect_end();
  return lexer.ok() ? std::optional(std::move(id)) : std::nullopt;
}

} // namespace mailmoor::imap
