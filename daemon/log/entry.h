// One entry of the log in the two forms in which it leaves the process. Pure functions, any thread.
#pragma once

#include "log/log.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::log {

inline constexpr std::string_view kIdentifier = "mailmoord"; // SYSLOG_IDENTIFIER

// Longer messages are cut: a server that talks without end does not fill the journal.
inline constexpr std::size_t kMaxMessage = 4096;

struct Entry {
  Priority priority;
  const Fields& fields;
  std::string_view message; // redacted
  std::chrono::sys_time<std::chrono::milliseconds> time;
};

// `time=… priority=… mailbox=… … message="…"` with a line end. Values with spaces, quotes or equal signs are quoted,
// with \" and \\ inside; control characters never get through.
[[nodiscard]] std::string text_line(const Entry& entry);

// "NAME=value" for sd_journal_sendv(3). Values may hold any bytes: journald takes them as they are.
[[nodiscard]] std::vector<std::string> journal_fields(const Entry& entry);

} // namespace mailmoor::log
