// Times as the databases keep them: seconds since 1970, UTC.
#pragma once

#include "util/time_text.h"

#include <chrono>
#include <cstdint>

namespace mailmoor::store {

[[nodiscard]] inline UnixTime from_seconds(std::int64_t seconds) {
  return UnixTime(std::chrono::seconds(seconds));
}
[[nodiscard]] inline std::int64_t to_seconds(UnixTime time) {
  return time.time_since_epoch().count();
}

} // namespace mailmoor::store
