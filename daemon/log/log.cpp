#include "log/log.h"

#include "log/destination.h"
#include "log/entry.h"
#include "log/redact.h"
#include "util/utf8.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::log {

namespace {

// spdlog has no "notice": each of ours moves down one step.
spdlog::level::level_enum spdlog_level(Priority priority) noexcept {
  switch (priority) {
  case Priority::kErr: return spdlog::level::err;
  case Priority::kWarning: return spdlog::level::warn;
  case Priority::kNotice: return spdlog::level::info;
  case Priority::kInfo: return spdlog::level::debug;
  case Priority::kDebug: return spdlog::level::trace;
  }
  return spdlog::level::err;
}

// A spdlog record that carries the structured facts with it. Only StructuredLogger makes records for these sinks.
struct Record final : spdlog::details::log_msg {
  Record(Priority priority_in, const Fields& fields_in, std::string_view message)
      : log_msg(spdlog::source_loc{}, spdlog::string_view_t(kIdentifier.data(), kIdentifier.size()),
                spdlog_level(priority_in), spdlog::string_view_t(message.data(), message.size())),
        priority(priority_in), fields(fields_in) {}
  [[nodiscard]] Entry entry() const {
    return {priority, fields, std::string_view(payload.data(), payload.size()),
            std::chrono::time_point_cast<std::chrono::milliseconds>(time)};
  }

  Priority priority;
  const Fields& fields;
};

using Sink = spdlog::sinks::base_sink<std::mutex>;

class TextSink final : public Sink {
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string line = text_line(static_cast<const Record&>(message).entry());
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return; // stderr is gone: nobody is left to be told
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush_() override {}
};

class JournalSink final : public Sink {
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::vector<std::string> fields = journal_fields(static_cast<const Record&>(message).entry());
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields)
      parts.push_back({field.data(), field.size()});
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  }
  void flush_() override {}
};

class StructuredLogger final : public spdlog::logger {
 public:
  using spdlog::logger::logger;
  void write(const Record& record) { log_it_(record, should_log(record.level), /*traceback_enabled=*/false); }
};

bool goes_to_journal(Destination destination) noexcept {
  if (destination != Destination::kAuto) return destination == Destination::kJournal;
  const char* const stream = std::getenv("JOURNAL_STREAM"); // NOLINT(concurrency-mt-unsafe): nothing here calls setenv
  return stream != nullptr && is_journal_stream(stream, STDERR_FILENO);
}

constexpr int kClosed = -1;

// The level is read without the lock, so that a disabled entry costs one load.
struct State {
  std::atomic<int> level = kClosed;
  std::mutex mutex;
  std::shared_ptr<StructuredLogger> logger; // shared with the entries being written while the log is reopened
};

State& state() noexcept {
  static State instance;
  return instance;
}

// At most kMaxMessage bytes, not cut inside a character.
std::string_view shortened(std::string_view message) noexcept {
  if (message.size() <= kMaxMessage) return message;
  std::size_t end = kMaxMessage;
  while (end > kMaxMessage - 4 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80)
    --end;
  return message.substr(0, end);
}

constexpr std::array kPriorityNames = {
    std::pair(Priority::kErr, std::string_view("err")), std::pair(Priority::kWarning, std::string_view("warning")),
    std::pair(Priority::kNotice, std::string_view("notice")), std::pair(Priority::kInfo, std::string_view("info")),
    std::pair(Priority::kDebug, std::string_view("debug"))};

} // namespace

std::string_view priority_name(Priority priority) noexcept {
  return kPriorityNames[static_cast<std::size_t>(priority)].second;
}

std::optional<Priority> priority_from_name(std::string_view name) noexcept {
  for (const auto& [priority, text] : kPriorityNames)
    if (text == name) return priority;
  return std::nullopt;
}

void open(const Options& options) {
  std::shared_ptr<Sink> sink;
  if (goes_to_journal(options.destination))
    sink = std::make_shared<JournalSink>();
  else
    sink = std::make_shared<TextSink>();
  auto logger = std::make_shared<StructuredLogger>(std::string(kIdentifier), std::move(sink));
  logger->set_level(spdlog_level(options.level));
  logger->set_error_handler([](const std::string&) {}); // an entry that cannot be written is lost
  const std::lock_guard lock(state().mutex);
  state().logger = std::move(logger);
  state().level = static_cast<int>(options.level);
}

void close() noexcept {
  const std::lock_guard lock(state().mutex);
  state().level = kClosed;
  state().logger.reset();
}

bool enabled(Priority priority) noexcept {
  return static_cast<int>(priority) <= state().level.load();
}

void write(Priority priority, const Fields& fields, std::string_view message) noexcept {
  if (!enabled(priority)) return;
  try {
    std::shared_ptr<StructuredLogger> logger;
    {
      const std::lock_guard lock(state().mutex);
      logger = state().logger;
    }
    const std::string redacted = redact(shortened(message));
    if (logger) logger->write(Record(priority, fields, redacted));
  } catch (...) { // out of memory, or a lock that failed: the entry is lost, the daemon goes on
  }
}

} // namespace mailmoor::log
