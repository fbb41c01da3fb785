#include "log/fault_log.h"

#include "util/concat.h"

#include <cassert>
#include <utility>

namespace mailmoor::log {

namespace {

// "45 s", "12 min", "7 h", "3 days": the size of it is what matters.
std::string rough_duration(std::chrono::seconds duration) {
  const auto seconds = duration.count();
  if (seconds < 120) return concat(seconds, " s");
  if (seconds < 2 * 3600) return concat(seconds / 60, " min");
  if (seconds < 48 * 3600) return concat(seconds / 3600, " h");
  return concat(seconds / 86400, " days");
}

} // namespace

FaultLog::FaultLog() : FaultLog(Writer(write)) {}

FaultLog::FaultLog(Writer writer) : writer_(std::move(writer)) {}

bool FaultLog::raise(Priority priority, const Fields& fields, std::string_view message, UnixTime now) {
  assert(!fields.error.empty());
  Key key{std::string(fields.mailbox), std::string(fields.folder), std::string(fields.error), std::string(fields.app)};
  const auto known = faults_.find(key);
  if (known == faults_.end()) {
    if (faults_.size() < kMaxFaults)
      faults_.emplace(std::move(key), Fault{priority, std::string(message), now, now, 1});
    writer_(priority, fields, message);
    return true;
  }
  Fault& fault = known->second;
  ++fault.tries;
  const bool worse = priority < fault.priority; // kErr is the smallest: now someone must act, so it cannot wait
  const bool changed = priority != fault.priority || message != fault.message;
  if (!worse && (!changed || now - fault.written_at < kChangeInterval)) return false;
  fault.priority = priority;
  fault.message = message;
  fault.written_at = now;
  writer_(priority, fields, message);
  return true;
}

void FaultLog::write_end(const Key& key, const Fault& fault, UnixTime now) {
  const std::string message = concat("over after ", rough_duration(now - fault.since), " and ", fault.tries,
                                     fault.tries == 1 ? " try: " : " tries: ", fault.message);
  writer_(Priority::kNotice,
          Fields{.mailbox = key.mailbox,
                 .folder = key.folder,
                 .app = key.app,
                 .error = key.code,
                 .catalog = &events::kRecovered},
          message);
}

void FaultLog::clear(std::string_view mailbox, std::string_view folder, std::string_view code, UnixTime now) {
  end(Key{std::string(mailbox), std::string(folder), std::string(code), {}}, now);
}

void FaultLog::clear_app(std::string_view app, std::string_view code, UnixTime now) {
  end(Key{{}, {}, std::string(code), std::string(app)}, now);
}

void FaultLog::end(const Key& key, UnixTime now) {
  const auto known = faults_.find(key);
  if (known == faults_.end()) return;
  const auto ended = faults_.extract(known);
  write_end(ended.key(), ended.mapped(), now);
}

void FaultLog::clear_all(std::string_view mailbox, std::string_view folder, UnixTime now) {
  auto next = faults_.lower_bound(Key{std::string(mailbox), std::string(folder), {}, {}});
  while (next != faults_.end() && next->first.mailbox == mailbox && next->first.folder == folder) {
    const auto ended = faults_.extract(next++);
    write_end(ended.key(), ended.mapped(), now);
  }
}

void FaultLog::forget(std::string_view mailbox) {
  std::erase_if(faults_, [mailbox](const auto& item) { return item.first.mailbox == mailbox; });
}

void FaultLog::forget_app(std::string_view app) {
  std::erase_if(faults_, [app](const auto& item) { return item.first.app == app; });
}

} // namespace mailmoor::log
