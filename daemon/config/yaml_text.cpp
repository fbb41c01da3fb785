#include "config/yaml_text.h"

#include "util/concat.h"
#include "util/utf8.h"

#include <algorithm>
#include <array>

namespace mailmoor::config {
namespace {

[[nodiscard]] std::optional<std::string> check_line(std::string_view line, std::size_t& column) {
  for (column = 0; column < line.size();) {
    const auto decoded = decode_utf8(line.substr(column));
    if (!decoded) return "this byte is not UTF-8: save the file as UTF-8";
    const char32_t c = decoded->code_point;
    if ((c < 0x20 && c != '\t') || (c >= 0x7F && c < 0xA0)) return "a control character: take it out";
    column += decoded->size;
  }
  const std::size_t content = line.find_first_not_of(" \t");
  column = line.substr(0, content).find('\t');
  if (content != std::string_view::npos && line[content] != '#' && column != std::string_view::npos)
    return "a tab in the indentation: YAML wants spaces";
  return std::nullopt;
}

} // namespace

std::optional<YamlError> check_yaml_text(std::string_view text) {
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r') && end != std::string_view::npos) line.remove_suffix(1);
    std::size_t column = 0;
    if (auto message = check_line(line, column))
      return YamlError{{number, static_cast<int>(column) + 1}, *std::move(message)};
  }
  return std::nullopt;
}

bool closes_on_its_line(std::string_view text, std::size_t offset) {
  // Never looks further than the scalar or its line: a line may hold a million of them.
  const auto at = [text](std::size_t i) { return i < text.size() ? text[i] : '\n'; };
  std::size_t i = offset;
  if (at(i) == '&')
    while (at(i) != '"' && at(i) != '\'' && at(i) != '\n')
      ++i;
  const char quote = at(i);
  if (quote != '"' && quote != '\'') return true; // "|" or ">" block
  for (++i; at(i) != '\n'; ++i) {
    const bool is_escaped = quote == '"' ? at(i) == '\\' : at(i) == quote && at(i + 1) == quote; // \" and ''
    if (is_escaped && at(i + 1) != '\n') {
      ++i;
    } else if (at(i) == quote) {
      return true;
    }
  }
  return false;
}

YamlError explain_yaml_error(Position position, Position innermost, std::string_view message) {
  struct Row {
    std::string_view theirs;
    std::string_view ours;
  };
  static constexpr auto kTable = std::to_array<Row>({
      {"illegal map value", "\":\" where no key can stand: indent this key like its neighbours, and put a value that "
                            "holds \": \" in quotes"},
      {"end of map not found", "expected \"key: value\" here: check the indentation and that each quote is closed"},
      {"end of sequence not found", "expected \"- \" or less indentation here: indent the entries of a list alike"},
      {"illegal block entry", "\"- \" cannot start here: begin the list on a line of its own, or write [a, b]"},
      {"illegal flow end", "this closing bracket does not match: each \"[\" and \"{\" is closed by its own"},
      {"unknown token", "a value cannot start with this character: put it in quotes"},
      {"illegal EOF in scalar", "a quote is never closed"},
      {"the referenced anchor is not defined", "no anchor of this name stands above: a value that starts with \"*\" "
                                               "must be in quotes"},
  });
  for (const Row& row : kTable)
    if (message.starts_with(row.theirs)) return {position, std::string(row.ours)};
  const bool in_map = message.starts_with("end of map flow");
  if (in_map || message.starts_with("end of sequence flow"))
    return {innermost, concat("\"", in_map ? '{' : '[', "\" is not closed: expected \",\" or \"", in_map ? '}' : ']',
                              "\" in column ", position.column, " of line ", position.line)};
  if (message.starts_with("unknown escape character")) {
    position.column -= 2; // the mark is behind the escape
    return {position, concat(message, ": write \"\\\\\" for a backslash, or use single quotes")};
  }
  return {position, concat("not YAML: ", message)};
}

} // namespace mailmoor::config
