// What `mailmoord --once` shows on a terminal while it works. Pure.
#pragma once

#include "supervisor/operations.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace mailmoor::supervisor {

struct Progress {
  std::uint64_t fetched = 0; // messages in this run
  std::uint64_t octets = 0;  // of their bodies
  std::uint64_t behind = 0;  // messages still to come, as far as known
  std::string where;         // "alice: Archive/2024", empty between folders
  std::chrono::milliseconds elapsed{};
};

// "alice: INBOX  320 messages, 1.9 MiB, 45/s, 120 to go, 3 s left", at most `width` columns: a long `where` is cut.
[[nodiscard]] std::string progress_line(const Progress& progress, std::size_t width);

} // namespace mailmoor::supervisor
