#include "cli/relative_time.h"

#include "util/concat.h"

#include <algorithm>

namespace mailmoor::cli {

std::string short_duration(std::chrono::seconds duration) {
  const auto seconds = std::max<std::chrono::seconds::rep>(duration.count(), 0);
  if (seconds < 120) return concat(seconds, " s");
  if (seconds < 120 * 60) return concat(seconds / 60, " min");
  if (seconds < 48 * 3600) return concat(seconds / 3600, " h");
  return concat(seconds / 86400, " days");
}

std::string relative_time(const std::optional<UnixTime>& time, UnixTime now, std::string_view otherwise) {
  if (!time) return std::string(otherwise);
  if (*time == now) return "now";
  return *time < now ? concat(short_duration(now - *time), " ago") : concat("in ", short_duration(*time - now));
}

} // namespace mailmoor::cli
