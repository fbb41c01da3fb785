// The answers to LIST, STATUS and ID (RFC 9051 §7.3.1, §7.3.4, RFC 2971). Each is given what follows its word and
// the space after it; empty when it is not the grammar.
#pragma once

#include "imap/lexer.h"
#include "imap/quirks.h"
#include "imap/response.h"

#include <optional>

namespace mailmoor::imap {

[[nodiscard]] std::optional<ListEntry> parse_list(Lexer& lexer, const Quirks& quirks);
[[nodiscard]] std::optional<StatusEntry> parse_status(Lexer& lexer, const Quirks& quirks);
[[nodiscard]] std::optional<ServerId> parse_id(Lexer& lexer);

} // namespace mailmoor::imap
