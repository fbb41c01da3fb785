// Text from elsewhere, made safe for a terminal or a line of log.
#pragma once

#include <string>
#include <string_view>

namespace mailmoor {

// Valid UTF-8 without control characters: line ends and tabs become \n \r \t; other C0 and C1 controls, DEL, line
// separators and the marks that reorder bidirectional text become \xNN or \uNNNN; so do bytes that are not UTF-8.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace mailmoor
