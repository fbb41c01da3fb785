// Makes text from the network fit for a terminal, a log line and a status page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailmoor::oauth {

// One line of valid UTF-8 of at most `max_bytes` ≥ 4: control characters become single blanks, what would reorder or
// hide text (bidirectional controls, zero-width characters, tag characters) is dropped, other bytes become "?"; cut
// with "…".
[[nodiscard]] std::string shown_text(std::string_view text, std::size_t max_bytes);

// The same, with every word that could be a token (40 token characters or more) replaced by "***": a server may echo
// what it was sent.
[[nodiscard]] std::string shown_description(std::string_view text, std::size_t max_bytes);

} // namespace mailmoor::oauth
