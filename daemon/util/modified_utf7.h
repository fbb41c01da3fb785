// Modified UTF-7, the wire form of IMAP4rev1 mailbox names (RFC 3501 §5.1.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailmoor {

// The UTF-8 form; empty when `wire` is not modified UTF-7 (bytes above 0x7E, bad base64, lone surrogate, cut shift).
// Lenient where it loses nothing: base64 of printable ASCII is accepted.
[[nodiscard]] std::optional<std::string> decode_modified_utf7(std::string_view wire);
// The canonical wire form. REQUIRES: valid UTF-8.
[[nodiscard]] std::string encode_modified_utf7(std::string_view utf8);

} // namespace mailmoor
