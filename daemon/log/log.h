// The one way to say something to the operator. To the journal as structured fields when stderr is the journal,
// otherwise one line of key=value pairs on stderr. Any thread. Nothing is written before open().
//
// What is passed in must already be free of secrets; redact() runs over every text as a second line of defence.
#pragma once

#include "log/event_ids.h"
#include "util/time_text.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace mailmoor::log {

// systemd's meaning. kErr: someone must act. kWarning: we act, someone may want to know. kNotice: a state changed.
// kInfo: each sync. kDebug: protocol, redacted.
enum class Priority { kErr, kWarning, kNotice, kInfo, kDebug };

// "err" "warning" "notice" "info" "debug": as in --log-level and in the text form.
[[nodiscard]] std::string_view priority_name(Priority priority) noexcept;
[[nodiscard]] std::optional<Priority> priority_from_name(std::string_view name) noexcept;

// The facts of one entry; empty ones are left out. Views: they need to live only as long as the call.
struct Fields {
  std::string_view mailbox{};         // MAILMOOR_MAILBOX
  std::string_view folder{};          // MAILMOOR_FOLDER, UTF-8
  std::string_view app{};             // MAILMOOR_APP, where it concerns an app registration as a whole
  std::string_view event{};           // MAILMOOR_EVENT, a stable [a-z_]+ word; the catalog entry's own name when empty
  std::string_view error{};           // MAILMOOR_ERROR, Error::code
  std::optional<std::uint32_t> uid{}; // MAILMOOR_UID
  std::optional<UnixTime> retry_at{}; // MAILMOOR_RETRY_AT, RFC 3339 UTC
  const EventId* catalog = nullptr;   // MESSAGE_ID, one of log/event_ids.h
};

enum class Destination {
  kAuto,    // the journal when stderr is the journal, else text
  kJournal, // sd_journal_sendv(3)
  kText,    // stderr
};

struct Options {
  Priority level = Priority::kInfo; // this and everything more urgent
  Destination destination = Destination::kAuto;
};

// Opens the log, or changes level and destination of the open one.
void open(const Options& options);
// Drops the destination again; what is written later is lost.
void close() noexcept;

// Whether an entry of this priority would be written; ask before building an expensive message.
[[nodiscard]] bool enabled(Priority priority) noexcept;

// Never fails and never throws: an entry that cannot be written is lost.
void write(Priority priority, const Fields& fields, std::string_view message) noexcept;

} // namespace mailmoor::log
