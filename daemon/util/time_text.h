// UTC times as people and JSON see them (RFC 3339 §5.6).
#pragma once

#include <chrono>
#include <string>

namespace mailmoor {

// Wall-clock time, UTC, whole seconds: what providers, names and databases speak.
using UnixTime = std::chrono::sys_seconds;

// "2026-11-23T15:04:05Z"
[[nodiscard]] std::string to_rfc3339(UnixTime time);

} // namespace mailmoor
