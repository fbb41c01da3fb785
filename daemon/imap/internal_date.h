// The date-time of INTERNALDATE (RFC 9051 §9). Pure.
#pragma once

#include "util/time_text.h"

#include <optional>
#include <string_view>

namespace mailmoor::imap {

// "17-Jul-1996 02:44:25 -0700", with the zone applied. The day may have a leading space (date-day-fixed) or one digit
// only. Empty when it is no such date.
[[nodiscard]] std::optional<UnixTime> parse_internal_date(std::string_view text) noexcept;

} // namespace mailmoor::imap
