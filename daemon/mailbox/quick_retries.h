// A line that breaks under a server which works is tried again within a second or two, without a step on the ladder
// (back_off.h); the allowance for it is small and has to be earned. A server that takes us, works for a moment and
// drops us for ever ends on the ladder.
//
// Only a session that worked lets the tries after it be quick: one that brought mail, or was in step with the server
// for half a minute. Only a line that broke does: what a server said (a throttle, a refusal, BYE) never.
// Owned by a mailbox, kept in memory only: a run of the daemon starts with a full allowance, and without a session that
// worked. Pure: loop thread only.
#pragma once

#include "util/error.h"

#include <chrono>
#include <optional>

namespace mailmoor::mailbox {

class QuickRetries final {
 public:
  using Duration = std::chrono::microseconds;

  // Each costs half a minute of a session that worked; forty minutes at most are saved up: enough for a fault every
  // seven seconds of ten minutes.
  static constexpr std::chrono::seconds kPrice{30};
  static constexpr int kMost = 80;
  // Tries are quick until so much has been waited since the first fault, to half a second; where the line still does
  // not hold then, it is no moment any more.
  static constexpr std::chrono::seconds kRow{6};

  // A session is over. `lasted`: since its login was accepted; `in_step`: a pass was completed in it; `brought_mail`:
  // a message at least.
  void session_ended(Duration lasted, bool in_step, bool brought_mail) noexcept;

  // The whole wait before the next try, its later half by chance (`random01` in [0, 1)). Empty: `error` goes by the
  // ladder.
  [[nodiscard]] std::optional<std::chrono::milliseconds> after(const Error& error, double random01) noexcept;

 private:
  Duration saved_ = kPrice * kMost;
  std::chrono::milliseconds left_{}; // of the row
  int tried_ = 0;                    // in it
};

} // namespace mailmoor::mailbox
