// Times as people say them. Pure.
#pragma once

#include "util/time_text.h"

#include <chrono>
#include <optional>
#include <string>

namespace mailmoor::cli {

// "45 s", "12 min", "7 h", "3 days"; rounded down, never negative.
[[nodiscard]] std::string short_duration(std::chrono::seconds duration);
// "12 min ago", "in 3 days", "now"; `otherwise` when there is no time.
[[nodiscard]] std::string relative_time(const std::optional<UnixTime>& time, UnixTime now, std::string_view otherwise);

} // namespace mailmoor::cli
