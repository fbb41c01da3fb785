// The times in HTTP headers.
#pragma once

#include "util/time_text.h"

#include <chrono>
#include <optional>
#include <string_view>

namespace mailmoor::oauth {

// All three forms of RFC 9110 §5.6.7; empty for anything else.
[[nodiscard]] std::optional<UnixTime> parse_http_date(std::string_view text);

// RFC 9110 §10.2.3: delay-seconds or HTTP-date, at least 0, at most 24 h. A date is taken relative to the answer's own
// Date header, so that our clock does not matter, or to `now` where there is none.
[[nodiscard]] std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                                    std::string_view date_header, UnixTime now);

} // namespace mailmoor::oauth
