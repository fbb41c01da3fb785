#include "imap/substitute.h"

#include "util/ascii.h"

#include <algorithm>
#include <optional>
#include <string>

namespace mailmoor::imap {
namespace {

constexpr std::string_view kSender = "Microsoft Exchange Server";
constexpr std::string_view kSubject = "Retrieval using the IMAP4 protocol failed for the following message: ";
constexpr std::string_view kBody = "The server couldn't retrieve the following message:";

// The line without its end, which is taken off `text`; the whole of `text` when there is none.
[[nodiscard]] std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

[[nodiscard]] bool is_space(char c) noexcept {
  return c == ' ' || c == '\t';
}

// Without spaces around it, and one for each run of them inside: folding (RFC 5322 §2.2.3) leaves no trace.
[[nodiscard]] std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!is_space(c))
      out.push_back(c);
    else if (!out.empty() && out.back() != ' ')
      out.push_back(' ');
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

[[nodiscard]] bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "Microsoft Exchange Server", with or without quotes and a year, and with no address.
[[nodiscard]] bool is_server(std::string text) {
  std::erase(text, '"');
  std::string_view rest = text;
  if (!rest.starts_with(kSender)) return false;
  rest.remove_prefix(kSender.size());
  if (const std::size_t address = rest.find('<'); address != std::string_view::npos) {
    const std::string_view inside = rest.substr(address);
    if (inside != "<>" && inside != "<@.MISSING-HOST-NAME.>" && inside != "<.MISSING-HOST-NAME.>") return false;
    rest = rest.substr(0, address);
  }
  while (rest.ends_with(' '))
    rest.remove_suffix(1);
  return rest.empty() || (rest.starts_with(' ') && all_digits(rest.substr(1)));
}

struct Header {
  std::string from, subject;
  bool was_sent = false; // it has what only a message has that went through the mail
};

void take_field(std::string_view field, Header& header) {
  const std::size_t colon = field.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = field.substr(0, colon);
  const std::string_view value = field.substr(colon + 1);
  if (equals_ignoring_case(name, "From"))
    header.from = squeezed(value);
  else if (equals_ignoring_case(name, "Subject"))
    header.subject = squeezed(value);
  else if (equals_ignoring_case(name, "Message-ID") || equals_ignoring_case(name, "Received"))
    header.was_sent = true;
}

// Takes the header and the empty line off `text`; nothing when it does not end there.
[[nodiscard]] std::optional<Header> take_header(std::string_view& text) {
  Header header;
  std::string field;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (!line.empty() && is_space(line.front())) {
      field += line;
      continue;
    }
    take_field(field, header);
    if (line.empty()) return header;
    field = line;
  }
  return std::nullopt;
}

} // namespace

bool makes_substitutes(std::string_view greeting) {
  return contains_ignoring_case(greeting, "Microsoft Exchange");
}

bool is_substitute(std::string_view head) {
  const std::optional<Header> header = take_header(head);
  if (!header || header->was_sent || !is_server(header->from)) return false;
  if (!header->subject.starts_with(kSubject) || !all_digits(std::string_view(header->subject).substr(kSubject.size())))
    return false;
  while (head.starts_with('\r') || head.starts_with('\n'))
    static_cast<void>(take_line(head));
  return head.starts_with(kBody);
}

} // namespace mailmoor::imap
