// A server that numbers a folder anew again and again: noticed, and looked at less and less often. Pure functions.
#pragma once

#include "util/time_text.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace mailmoor::sync {

// How often the UIDVALIDITY of a folder has changed, each time within kCalm of the time before.
struct Renumberings {
  std::uint32_t count = 0;
  UnixTime last{};

  friend bool operator==(const Renumberings&, const Renumberings&) = default;
};

// Longer than the longest wait, or a loop would be forgotten while it is waited out.
inline constexpr std::chrono::hours kCalm{7 * 24};

[[nodiscard]] constexpr Renumberings once_more(const Renumberings& before, UnixTime now) noexcept {
  const bool goes_on = before.count != 0 && now >= before.last && now - before.last < kCalm;
  return {goes_on ? before.count + 1 : 1, now};
}

// A restore, and a second one that corrects it, happen. The third change begins a loop: the folder is looked at again
// an hour after it, six hours after the fourth, a day after each that follows. Empty: it may be looked at now.
[[nodiscard]] constexpr std::optional<UnixTime> not_before(const Renumberings& changes, UnixTime now) noexcept {
  if (changes.count < 3 || now < changes.last) return std::nullopt; // the clock was set back
  const std::chrono::hours wait(changes.count == 3 ? 1 : changes.count == 4 ? 6 : 24);
  if (now - changes.last >= wait) return std::nullopt;
  return changes.last + wait;
}

} // namespace mailmoor::sync
