#include "util/time_text.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace mailmoor {

std::string to_rfc3339(UnixTime time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "invalid-time";
  std::array<char, 64> text{};
  // Not strftime: its %Y writes the year 1 as "1", RFC 3339 wants four digits.
  const int size = std::snprintf(text.data(), text.size(), "%04ld-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900L,
                                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text.data(), static_cast<std::size_t>(size)};
}

} // namespace mailmoor
