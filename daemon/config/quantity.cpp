#include "config/quantity.h"

#include "util/concat.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace mailmoor::config {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;

// Largest first: format_duration() relies on it.
constexpr auto kDurationUnits = std::to_array<Unit>({{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}});
constexpr auto kSizeUnits =
    std::to_array<Unit>({{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}});

template<std::size_t N>
[[nodiscard]] std::optional<std::uint64_t> parse_quantity(std::string_view text, const std::array<Unit, N>& units,
                                                          std::uint64_t max) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const auto number = parse_number(text.substr(0, digits));
  for (const auto& [name, factor] : units)
    if (number && text.substr(digits) == name && *number <= max / factor) return *number * factor;
  return std::nullopt;
}

} // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = parse_number(text.substr(0, 4));
  const auto month = parse_number(text.substr(5, 2));
  const auto day = parse_number(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  return date.ok() ? std::optional(std::chrono::sys_days(date)) : std::nullopt;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto count = parse_quantity(text, kDurationUnits, std::numeric_limits<std::int64_t>::max());
  if (!count) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(*count));
}

std::string format_duration(std::chrono::seconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  for (const auto& [name, factor] : kDurationUnits)
    if (count != 0 && count % factor == 0) return concat(count / factor, name);
  return "0s";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (text == "0") return 0;
  return parse_quantity(text, kSizeUnits, std::numeric_limits<std::uint64_t>::max());
}

} // namespace mailmoor::config
