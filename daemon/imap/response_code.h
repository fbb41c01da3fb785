// The bracketed code of a status response (resp-text-code, RFC 9051 §7.1), and what the codes of RFC 5530 say about
// trying again. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::imap {

struct ResponseCode {
  std::string atom;     // upper case, e.g. "UIDVALIDITY"
  std::string argument; // as sent, without the space before it; may be empty

  friend bool operator==(const ResponseCode&, const ResponseCode&) = default;
};

// What follows OK, NO, BAD, BYE or PREAUTH.
struct ResponseText {
  std::optional<ResponseCode> code;
  std::string text; // for people; may be empty

  friend bool operator==(const ResponseText&, const ResponseText&) = default;
};

// resp-text = ["[" resp-text-code "]" SP] [text]. Text whose bracket never closes is all text.
[[nodiscard]] ResponseText parse_response_text(std::string_view text);

} // namespace mailmoor::imap
