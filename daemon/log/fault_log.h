// A fault that lasts is logged when it starts, when it changes and when it ends, not at every try.
// One fault is one (mailbox, folder, code), or (app, code) where it concerns an app registration as a whole. Not
// thread-safe: it belongs to whoever retries.
#pragma once

#include "log/log.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace mailmoor::log {

class FaultLog final {
 public:
  // Faults remembered at once; one above that is written at every try.
  static constexpr std::size_t kMaxFaults = 65536;
  // A text that differs at every try (trace ids of a provider) is written at most this often.
  static constexpr std::chrono::seconds kChangeInterval{300};

  using Writer = std::function<void(Priority, const Fields&, std::string_view)>;

  FaultLog();
  explicit FaultLog(Writer writer);

  // The fault (fields.mailbox, fields.folder, fields.app, fields.error) was seen. Writes when it is new, or when
  // priority or message differ from what was written and kChangeInterval has passed. `retry_at` is not a change: keep
  // attempt counts and times out of `message`. REQUIRES: fields.error is not empty. Returns whether it wrote.
  bool raise(Priority priority, const Fields& fields, std::string_view message, UnixTime now);

  // The operation that could have failed with `code` worked. Writes one kNotice entry (event "recovered") when the
  // fault was standing.
  void clear(std::string_view mailbox, std::string_view folder, std::string_view code, UnixTime now);
  // The same for a fault of an app registration.
  void clear_app(std::string_view app, std::string_view code, UnixTime now);
  // The same for every code of this mailbox and folder; an empty folder means the mailbox's own faults, not those of
  // its folders.
  void clear_all(std::string_view mailbox, std::string_view folder, UnixTime now);
  // The app left the configuration, or was changed.
  void forget_app(std::string_view app);
  // The mailbox left the configuration: forgets its faults and those of its folders without a word.
  void forget(std::string_view mailbox);

  [[nodiscard]] std::size_t size() const noexcept { return faults_.size(); }

 private:
  struct Key {
    std::string mailbox, folder, code, app;
    [[nodiscard]] auto operator<=>(const Key&) const = default;
  };
  struct Fault {
    Priority priority;
    std::string message;
    UnixTime since;
    UnixTime written_at;
    std::uint64_t tries;
  };
  using Faults = std::map<Key, Fault>;

  void end(const Key& key, UnixTime now);
  void write_end(const Key& key, const Fault& fault, UnixTime now);

  Writer writer_;
  Faults faults_;
};

} // namespace mailmoor::log
