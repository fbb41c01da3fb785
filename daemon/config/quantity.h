// Durations and sizes as people write them: "90s 5m 1h 30d", "10MiB". A whole number and one unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::config {

// Units s, m, h, d. Empty on anything else, and beyond 2^63 seconds.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// With the largest unit that leaves no rest; parse_duration() takes it back. REQUIRES: not negative.
[[nodiscard]] std::string format_duration(std::chrono::seconds duration);

// In bytes. Units B, KiB, MiB, GiB, TiB; "0" needs none. Empty on anything else, and beyond 2^64.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

// YYYY-MM-DD (RFC 3339 §5.6 full-date) of a day that exists; empty on anything else.
[[nodiscard]] std::optional<std::chrono::sys_days> parse_date(std::string_view text);

// A decimal number without sign; empty on anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

} // namespace mailmoor::config
