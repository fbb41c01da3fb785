#include "oauth/http_date.h"

#include "util/ascii.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mailmoor::oauth {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kLongest = hours(24);

// All digits, at most six of them: more is past any limit here.
std::optional<int> parse_digits(std::string_view text) {
  if (text.empty() || text.size() > 6) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<unsigned> parse_month(std::string_view name) {
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* const found =
      std::ranges::find_if(kMonths, [name](std::string_view month) { return equals_ignoring_case(month, name); });
  if (found == std::end(kMonths)) return std::nullopt;
  return static_cast<unsigned>(found - std::begin(kMonths)) + 1;
}

// hour ":" minute ":" second; a leap second counts as the next one.
std::optional<seconds> parse_time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hour = parse_digits(text.substr(0, 2));
  const auto minute = parse_digits(text.substr(3, 2));
  const auto second = parse_digits(text.substr(6, 2));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return hours(*hour) + minutes(*minute) + seconds(*second);
}

std::optional<UnixTime> make_time(std::string_view day, std::string_view month, std::string_view year,
                                  std::string_view time_of_day) {
  const auto day_number = parse_digits(day);
  const auto month_number = parse_month(month);
  auto year_number = parse_digits(year);
  const auto time = parse_time_of_day(time_of_day);
  if (!day_number || !month_number || !year_number || !time) return std::nullopt;
  if (year.size() == 2) *year_number += *year_number < 70 ? 2000 : 1900; // rfc850-date
  const std::chrono::year_month_day date(std::chrono::year(*year_number), std::chrono::month(*month_number),
                                         std::chrono::day(static_cast<unsigned>(*day_number)));
  if (!date.ok() || *year_number > 9999) return std::nullopt;
  return UnixTime(std::chrono::sys_days(date)) + *time;
}

} // namespace

std::optional<UnixTime> parse_http_date(std::string_view text) {
  constexpr std::string_view kSeparators = " ,-";
  std::array<std::string_view, 6> words;
  std::size_t count = 0;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
    if (text.empty()) break;
    if (count == words.size()) return std::nullopt;
    words[count] = text.substr(0, text.find_first_of(kSeparators));
    text.remove_prefix(words[count++].size());
  }
  // IMF-fixdate "Sun, 06 Nov 1994 08:49:37 GMT", rfc850-date "Sunday, 06-Nov-94 08:49:37 GMT"
  if (count == 6 && words[5] == "GMT") return make_time(words[1], words[2], words[3], words[4]);
  // asctime-date "Sun Nov  6 08:49:37 1994"
  if (count == 5) return make_time(words[2], words[1], words[4], words[3]);
  return std::nullopt;
}

std::optional<seconds> parse_retry_after(std::string_view value, std::string_view date_header, UnixTime now) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!value.empty() && std::ranges::all_of(value, is_digit))
    return std::min(parse_digits(value).transform([](int n) { return seconds(n); }).value_or(kLongest), kLongest);
  const auto until = parse_http_date(value);
  if (!until) return std::nullopt;
  return std::clamp(*until - parse_http_date(date_header).value_or(now), seconds(0), kLongest);
}

} // namespace mailmoor::oauth
