#include "imap/fetch_parser.h"

#include "imap/framer.h"
#include "imap/internal_date.h"
#include "util/ascii.h"

namespace mailmoor::imap {
namespace {

// The item's name: "UID", "BODY[HEADER.FIELDS (FROM)]<0>", "X-GM-MSGID".
[[nodiscard]] std::string_view expect_name(Lexer& lexer) {
  const std::size_t start = lexer.position();
  const std::string_view text = lexer.rest();
  while (lexer.ok() && !lexer.at_end()) {
    const char c = lexer.rest().front();
    if (c == ' ' || c == '(' || c == ')' || c == '"' || c == '{') break;
    lexer.take(c);
    if (c != '[') continue;
    // section = "[" [section-spec] "]": names in it may be strings and in a list.
    while (lexer.ok() && !lexer.at_end() && !lexer.rest().starts_with(']'))
      if (!lexer.take_string() && lexer.ok()) lexer.take(lexer.rest().front());
    lexer.expect(']');
  }
  const std::string_view name = text.substr(0, lexer.position() - start);
  if (name.empty()) lexer.fail(Lexer::Status::kMalformed);
  return name;
}

[[nodiscard]] bool is_header_fields(std::string_view name) {
  constexpr std::string_view kSection = "BODY[HEADER.FIELDS ";
  return equals_ignoring_case(name.substr(0, kSection.size()), kSection);
}

// "(" [flag-fetch *(SP flag-fetch)] ")"
[[nodiscard]] Flags expect_flags(Lexer& lexer) {
  Flags flags;
  lexer.expect('(');
  for (bool first = true; lexer.expect_item(first);) {
    if (const auto flag = lexer.take_flag())
      flags.add(*flag);
    else
      lexer.fail(Lexer::Status::kMalformed);
  }
  return flags;
}

// "(" [gm-label *(SP gm-label)] ")", gm-label = astring / "\" atom: the system labels come as "\\Inbox", as \Inbox too.
// Empty when one has not come yet.
[[nodiscard]] std::vector<std::string> expect_labels(Lexer& lexer, std::size_t at_most) {
  std::vector<std::string> labels;
  lexer.expect('(');
  for (bool first = true; lexer.expect_item(first);) {
    if (labels.size() == at_most) lexer.fail(Lexer::Status::kTooDeep);
    if (const auto string = lexer.take_string())
      labels.push_back(unescape(*string));
    else if (const auto word = lexer.ok() ? lexer.take_flag() : std::nullopt)
      labels.emplace_back(*word);
    else
      lexer.fail(Lexer::Status::kMalformed);
  }
  return labels;
}

} // namespace

void FetchParser::begin(SeqNum seq) {
  fetched_ = Fetched(seq);
  items_ = 0;
}

// msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
FetchParser::Step FetchParser::resume(std::string_view text) {
  Lexer lexer(text, max_depth_, extra_space_);
  while (true) {
    const std::size_t item_start = lexer.position();
    bool first = items_ == 0;
    if (!lexer.expect_item(first)) {
      lexer.expect_end();
      return {lexer.ok() ? Progress::kDone : Progress::kMalformed, lexer.position()};
    }
    if (++items_ > max_items_) return {Progress::kLimit, item_start};
    const Item item = expect_fetch_item(lexer);
    switch (lexer.status()) {
    case Lexer::Status::kOk: break;
    case Lexer::Status::kPending:
      --items_; // it is read again when it is whole
      return {Progress::kLiteral, item_start};
    case Lexer::Status::kMalformed: return {Progress::kMalformed, item_start};
    case Lexer::Status::kTooDeep: return {Progress::kLimit, item_start};
    }
    if (item == Item::kBodyLiteral) return {Progress::kBody, text.size()};
    if (item == Item::kBodyQuoted) return {Progress::kQuotedBody, lexer.position()};
  }
}

FetchParser::Item FetchParser::expect_fetch_item(Lexer& lexer) {
  const std::string_view name = expect_name(lexer);
  lexer.expect(' ');
  if (!lexer.ok()) return Item::kPlain;
  if (equals_ignoring_case(name, "BODY[]") || equals_ignoring_case(name, "RFC822")) return expect_body(lexer);
  expect_known_value(lexer, name);
  return Item::kPlain;
}

// nstring. A second body in one response would have no message to belong to.
FetchParser::Item FetchParser::expect_body(Lexer& lexer) {
  if (fetched_.body != Fetched::Body::kNone) {
    lexer.fail(Lexer::Status::kMalformed);
    return Item::kPlain;
  }
  if (lexer.take_nil()) {
    fetched_.body = Fetched::Body::kNil;
    return Item::kPlain;
  }
  const std::string_view rest = lexer.rest();
  if (rest.starts_with('"')) {
    const auto token = lexer.take_string();
    if (!token) return Item::kPlain;
    quoted_body_ = *token;
    fetched_.body = Fetched::Body::kStreamed;
    return Item::kBodyQuoted;
  }
  // The announcement must be the end of the text: a body that is in the text was announced by nobody.
  const bool announces = rest.starts_with('{') || rest.starts_with("~{");
  if (!announces || rest.find('}') + 1 != rest.size() || !announced_literal(rest)) {
    lexer.fail(Lexer::Status::kMalformed);
    return Item::kPlain;
  }
  fetched_.body = Fetched::Body::kStreamed;
  return Item::kBodyLiteral;
}

void FetchParser::expect_known_value(Lexer& lexer, std::string_view name) {
  if (equals_ignoring_case(name, "UID")) {
    const auto number = lexer.take_nz_number();
    if (!number) lexer.fail(Lexer::Status::kMalformed);
    fetched_.uid = Uid::from(number.value_or(0));
  } else if (equals_ignoring_case(name, "FLAGS")) {
    fetched_.flags = expect_flags(lexer);
  } else if (equals_ignoring_case(name, "INTERNALDATE")) {
    if (const auto date = lexer.take_string())
      fetched_.internal_date = parse_internal_date(date->raw);
    else
      lexer.expect_value();
  } else if (equals_ignoring_case(name, "RFC822.SIZE")) {
    fetched_.rfc822_size = lexer.take_number();
    if (!fetched_.rfc822_size) lexer.expect_value(); // "-1" and the like: not known
  } else if (equals_ignoring_case(name, "MODSEQ")) {
    lexer.expect('(');
    fetched_.mod_seq = ModSeq::from(lexer.take_number().value_or(0));
    lexer.expect(')');
  } else if (is_header_fields(name)) {
    if (lexer.take_nil()) return;
    if (const auto token = lexer.take_string())
      fetched_.header = unescape(*token);
    else
      lexer.expect_value(); // or it has not come yet
  } else {
    expect_gmail_value(lexer, name);
  }
}

// X-GM-EXT-1. X-GM-THRID, and what else nobody asked for, is passed over.
void FetchParser::expect_gmail_value(Lexer& lexer, std::string_view name) {
  if (equals_ignoring_case(name, "X-GM-MSGID")) {
    const auto number = lexer.take_number();
    if (!number) lexer.expect_value(); // none that we understand: not known
    fetched_.gmail_id = GmailId::from(number.value_or(0));
  } else if (equals_ignoring_case(name, "X-GM-LABELS")) {
    fetched_.gmail_labels.clear();
    if (!lexer.take_nil()) fetched_.gmail_labels = expect_labels(lexer, max_labels_);
  } else {
    lexer.expect_value();
  }
}

} // namespace mailmoor::imap
