// How many messages a second a mailbox asks for: as many as come, until the server says that it is too much; from then
// on half of what came before, and a tenth more for each five minutes of fetching without another such word (additive
// increase, multiplicative decrease). The server's numbers are secret and change: its last word is all there is to
// know.
//
//   while (pace.room(now) == 0) sleep until pace.next_room(now);
//   ask for at most pace.room(now) messages; pace.asked(count);
//
// Pure: the time is told. Owned by the mailbox's allowance.
#pragma once

#include "runtime/clock.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace mailmoor::mailbox {

class Pace final {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  // `limit`: the one that was remembered.
  explicit Pace(std::optional<double> limit = std::nullopt);

  // Messages a second; empty: the server never asked for less.
  [[nodiscard]] std::optional<double> limit() const noexcept { return limit_; }
  // How many messages may be asked for at once: those of a second, and one in any case.
  [[nodiscard]] std::uint64_t room(runtime::MonoTime now);
  // When there is room for one at the latest.
  [[nodiscard]] runtime::MonoTime next_room(runtime::MonoTime now);
  void asked(std::uint64_t messages) noexcept;

  // A message came. True: the limit has grown.
  bool arrived(runtime::MonoTime now);
  // The server refused something as too much. `measured`: messages a second before that, where some were fetched.
  void throttled(runtime::MonoTime now, std::optional<double> measured);
  // It asked for less and went on serving. Such words come with each answer for a while: one cut a minute. True: it was
  // cut.
  bool slowed_down(runtime::MonoTime now, std::optional<double> measured);

 private:
  void refill(runtime::MonoTime now);

  std::optional<double> limit_;
  double saved_ = 1; // messages that may be asked for
  runtime::MonoTime refilled_{};
  std::optional<runtime::MonoTime> cut_;
  std::optional<runtime::MonoTime> last_arrival_;
  runtime::Duration clean_{}; // time of fetching under this limit
};

} // namespace mailmoor::mailbox
