#include "log/entry.h"

#include "util/concat.h"
#include "util/printable.h"
#include "util/time_text.h"

#include <syslog.h>

#include <algorithm>

namespace mailmoor::log {

namespace {

std::string_view event_of(const Fields& fields) noexcept {
  return fields.event.empty() && fields.catalog != nullptr ? fields.catalog->name : fields.event;
}

int syslog_level(Priority priority) noexcept {
  switch (priority) {
  case Priority::kErr: return LOG_ERR;
  case Priority::kWarning: return LOG_WARNING;
  case Priority::kNotice: return LOG_NOTICE;
  case Priority::kInfo: return LOG_INFO;
  case Priority::kDebug: return LOG_DEBUG;
  }
  return LOG_ERR;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos;
}

void append_pair(std::string& line, std::string_view key, std::string_view value) {
  if (!line.empty()) line.push_back(' ');
  line.append(key).push_back('=');
  if (!needs_quotes(value)) {
    line.append(printable(value));
    return;
  }
  std::string escaped;
  for (const char c : value) {
    if (c == '"' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  line.append("\"").append(printable(escaped)).append("\"");
}

std::string with_milliseconds(std::chrono::sys_time<std::chrono::milliseconds> time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = to_rfc3339(seconds);
  const std::string fraction = std::to_string((time - seconds).count() + 1000); // "1042" for 42 ms
  return text.replace(text.size() - 1, 1, concat('.', std::string_view(fraction).substr(1), 'Z'));
}

} // namespace

std::string text_line(const Entry& entry) {
  const Fields& fields = entry.fields;
  std::string line;
  append_pair(line, "time", with_milliseconds(entry.time));
  append_pair(line, "priority", priority_name(entry.priority));
  if (!fields.mailbox.empty()) append_pair(line, "mailbox", fields.mailbox);
  if (!fields.folder.empty()) append_pair(line, "folder", fields.folder);
  if (!fields.app.empty()) append_pair(line, "app", fields.app);
  if (fields.uid) append_pair(line, "uid", std::to_string(*fields.uid));
  if (const auto event = event_of(fields); !event.empty()) append_pair(line, "event", event);
  if (!fields.error.empty()) append_pair(line, "error", fields.error);
  if (fields.retry_at) append_pair(line, "retry_at", to_rfc3339(*fields.retry_at));
  if (fields.catalog != nullptr) append_pair(line, "message_id", fields.catalog->hex);
  append_pair(line, "message", entry.message);
  line.push_back('\n');
  return line;
}

std::vector<std::string> journal_fields(const Entry& entry) {
  const Fields& fields = entry.fields;
  std::vector<std::string> out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.push_back(concat(name, '=', value));
  };
  add("MESSAGE", entry.message);
  add("PRIORITY", std::to_string(syslog_level(entry.priority)));
  add("SYSLOG_IDENTIFIER", kIdentifier);
  add("MAILMOOR_MAILBOX", fields.mailbox);
  add("MAILMOOR_FOLDER", fields.folder);
  add("MAILMOOR_APP", fields.app);
  if (fields.uid) add("MAILMOOR_UID", std::to_string(*fields.uid));
  add("MAILMOOR_EVENT", event_of(fields));
  add("MAILMOOR_ERROR", fields.error);
  if (fields.retry_at) add("MAILMOOR_RETRY_AT", to_rfc3339(*fields.retry_at));
  if (fields.catalog != nullptr) add("MESSAGE_ID", fields.catalog->hex);
  return out;
}

} // namespace mailmoor::log
