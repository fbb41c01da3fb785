#include "imap/internal_date.h"

#include "util/ascii.h"

#include <array>
#include <chrono>
#include <cstddef>

namespace mailmoor::imap {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The number of exactly `text`'s digits; empty when one is none.
[[nodiscard]] std::optional<int> digits(std::string_view text) noexcept {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

[[nodiscard]] std::optional<unsigned> month_number(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kMonths.size(); ++i)
    if (equals_ignoring_case(kMonths[i], name)) return static_cast<unsigned>(i + 1);
  return std::nullopt;
}

} // namespace

// date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
std::optional<UnixTime> parse_internal_date(std::string_view text) noexcept {
  if (text.starts_with(' ')) text.remove_prefix(1);
  const std::size_t day_size = text.find('-');
  if (day_size != 1 && day_size != 2) return std::nullopt;
  const auto day = digits(text.substr(0, day_size));
  text.remove_prefix(day_size);
  // "-Jul-1996 02:44:25 -0700"
  if (text.size() != 24 || text[4] != '-' || text[9] != ' ' || text[12] != ':' || text[15] != ':' || text[18] != ' ')
    return std::nullopt;
  const auto month = month_number(text.substr(1, 3));
  const auto year = digits(text.substr(5, 4));
  const auto hour = digits(text.substr(10, 2));
  const auto minute = digits(text.substr(13, 2));
  const auto second = digits(text.substr(16, 2));
  const auto zone_hour = digits(text.substr(20, 2));
  const auto zone_minute = digits(text.substr(22, 2));
  if (!day || !month || !year || !hour || !minute || !second || !zone_hour || !zone_minute) return std::nullopt;
  if (text[19] != '+' && text[19] != '-') return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(*month),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  // Second 60 is a leap second.
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60 || *zone_minute > 59) return std::nullopt;
  const auto zone = std::chrono::hours(*zone_hour) + std::chrono::minutes(*zone_minute);
  const UnixTime local = std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                         std::chrono::seconds(*second);
  return text[19] == '-' ? local + zone : local - zone;
}

} // namespace mailmoor::imap
