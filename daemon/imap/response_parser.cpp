#include "imap/response_parser.h"

#include "imap/lexer.h"
#include "imap/list_parser.h"
#include "util/ascii.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mailmoor::imap {
namespace {

struct StatusWord {
  std::string_view word;
  StatusResponse::Kind kind;
};

constexpr std::array kStatusWords = {
    StatusWord{"OK", StatusResponse::Kind::kOk},           StatusWord{"NO", StatusResponse::Kind::kNo},
    StatusWord{"BAD", StatusResponse::Kind::kBad},         StatusWord{"BYE", StatusResponse::Kind::kBye},
    StatusWord{"PREAUTH", StatusResponse::Kind::kPreauth},
};

constexpr std::array<std::string_view, 7> kIgnoredWords = {"FLAGS", "SEARCH", "ESEARCH",  "NAMESPACE",
                                                           "LSUB",  "QUOTA",  "QUOTAROOT"};

// The status word at the start of `text`, taken off it.
[[nodiscard]] std::optional<StatusResponse::Kind> take_status_word(std::string_view& text) {
  for (const StatusWord& known : kStatusWords) {
    if (!equals_ignoring_case(text.substr(0, known.word.size()), known.word)) continue;
    const std::string_view rest = text.substr(known.word.size());
    if (!rest.empty() && rest.front() != ' ') continue;
    text = rest;
    return known.kind;
  }
  return std::nullopt;
}

[[nodiscard]] Unreadable unreadable(const Lexer& lexer) {
  return lexer.status() == Lexer::Status::kTooDeep ? Unreadable::kTooDeep : Unreadable::kMalformed;
}

template<class T>
[[nodiscard]] Untagged parsed_or_unreadable(std::optional<T> value, const Lexer& lexer) {
  if (value) return *std::move(value);
  return unreadable(lexer);
}

// known-uids = sequence-set without "*". Inserted in order: a hostile line of descending UIDs would otherwise cost the
// square of its length.
[[nodiscard]] std::optional<UidSet> parse_known_uids(Lexer& lexer) {
  std::vector<UidRange> ranges;
  do {
    const auto first = lexer.take_nz_number();
    const auto last = first && lexer.take(':') ? lexer.take_nz_number() : first;
    if (!first || !last) return std::nullopt;
    ranges.push_back({std::min(*first, *last), std::max(*first, *last)});
  } while (lexer.take(','));
  lexer.expect_end();
  if (!lexer.ok()) return std::nullopt;
  std::ranges::sort(ranges);
  UidSet uids;
  for (const UidRange& range : ranges)
    uids.insert(range);
  return uids;
}

// expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids (RFC 7162 §7)
[[nodiscard]] Untagged parse_vanished(Lexer& lexer) {
  const bool earlier = lexer.take('(');
  if (earlier && !(lexer.take_word("EARLIER") && lexer.take(')') && lexer.take(' '))) return Unreadable::kMalformed;
  auto uids = parse_known_uids(lexer);
  if (!uids) return Unreadable::kMalformed;
  return Vanished{*std::move(uids), earlier};
}

// number SP "EXISTS" / number SP "RECENT" / nz-number SP "EXPUNGE"
[[nodiscard]] Untagged parse_numbered(Lexer& lexer, std::uint64_t number) {
  lexer.expect(' ');
  const auto word = lexer.take_atom();
  lexer.expect_end();
  if (!lexer.ok() || !word || number > 0xFFFF'FFFF) return Unreadable::kMalformed;
  const auto value = static_cast<std::uint32_t>(number);
  if (equals_ignoring_case(*word, "EXISTS")) return Exists{value};
  if (equals_ignoring_case(*word, "RECENT")) return Ignored{};
  const auto seq = SeqNum::from(value);
  if (equals_ignoring_case(*word, "EXPUNGE") && seq) return Expunged{*seq};
  return Unreadable::kMalformed;
}

[[nodiscard]] Untagged parse_named(Lexer& lexer, std::string_view word, const Quirks& quirks) {
  const auto is = [word](std::string_view other) { return equals_ignoring_case(word, other); };
  if (std::ranges::any_of(kIgnoredWords, is)) return Ignored{};
  if (is("CAPABILITY")) return CapabilityList{lexer.rest()};
  if (is("ENABLED")) return EnabledList{lexer.rest()};
  lexer.expect(' ');
  if (!lexer.ok()) return unreadable(lexer);
  if (is("LIST")) return parsed_or_unreadable(parse_list(lexer, quirks), lexer);
  if (is("STATUS")) return parsed_or_unreadable(parse_status(lexer, quirks), lexer);
  if (is("ID")) return parsed_or_unreadable(parse_id(lexer), lexer);
  if (is("VANISHED")) return parse_vanished(lexer);
  return Unreadable::kMalformed;
}

} // namespace

// resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text, resp-cond-bye, resp-cond-auth
std::optional<StatusResponse> parse_status_response(std::string_view text, const Quirks& quirks) {
  const auto kind = take_status_word(text);
  if (!kind) return std::nullopt;
  if (text.empty() && !quirks.missing_text) return std::nullopt;
  if (!text.empty()) text.remove_prefix(1);
  return StatusResponse{*kind, parse_response_text(text)};
}

Untagged parse_untagged(std::string_view text, const Limits& limits, const Quirks& quirks) {
  if (auto status = parse_status_response(text, quirks)) return *std::move(status);
  if (text.starts_with('[') && quirks.code_without_ok) {
    ResponseText code = parse_response_text(text);
    if (code.code) return StatusResponse{StatusResponse::Kind::kOk, std::move(code)};
  }
  Lexer lexer(text, limits.depth, quirks.extra_space);
  if (const auto number = lexer.take_number()) return parse_numbered(lexer, *number);
  const auto word = lexer.take_atom();
  if (!word) return Unreadable::kMalformed;
  return parse_named(lexer, *word, quirks);
}

bool is_free_text(std::string_view text) {
  if (!take_status_word(text)) return false;
  if (!text.empty()) text.remove_prefix(1);
  return !text.starts_with('[') || parse_response_text(text).code.has_value();
}

std::optional<FetchStart> take_fetch_start(std::string_view text) {
  Lexer lexer(text, 0, /*extra_space=*/false);
  const auto number = lexer.take_nz_number();
  if (!number || !lexer.take(' ') || !lexer.take_word("FETCH") || !lexer.take(' ') || !lexer.take('('))
    return std::nullopt;
  return FetchStart{*SeqNum::from(*number), lexer.position()};
}

} // namespace mailmoor::imap
