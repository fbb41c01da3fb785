// When a mailbox tries again after a fault: the one table that reads an error's kind and code. Pure.
#pragma once

#include "util/error.h"

#include <chrono>
#include <string_view>

namespace mailmoor::mailbox {

// How long a session must have lasted to count as recovered. One that is accepted and dropped over and over again must
// not start the ladder anew each time (seen elsewhere as 17 logins a second).
inline constexpr std::chrono::minutes kStableAfter{5};

// Each counts its own faults: a line that broke three times says nothing of a command that is refused.
enum class Ladder {
  kPassing,      // host, mailbox, folder: 5 s doubling to 15 min
  kNeedsSomeone, // app, operator, bug, and "not_connected" (Exchange's word for a missing right):
                 // 1 min, 5 min, 15 min, 1 h, then every hour
  kOverQuota,    // over_quota_wait()
};
[[nodiscard]] Ladder ladder_of(const Error& error);

// The wait of our own choice after `failures` ≥ 1 faults of its ladder in a row, of which `error` is the last; after
// "too_many_connections" 10 min: Gmail wants five at the least. The later half of it by chance (`random01` in [0, 1)),
// so that many mailboxes do not come back at once.
[[nodiscard]] std::chrono::milliseconds back_off(const Error& error, int failures, double random01);

// Gmail's word that an account has had too much, which names no time and may hold for a day: 1 h, doubling to 24 h with
// each of the `times` ≥ 1 in a row. It is imposed.
[[nodiscard]] std::chrono::hours over_quota_wait(int times);

// How many faults of its ladder in a row there are with this one, after a session that lasted so long. `failures`: how
// many there were before; `last_code`: of the fault before, of whatever ladder, empty when a pass was completed since.
// "over_quota" is in a row with itself only, however long it is between.
[[nodiscard]] int count_faults(const Error& error, std::string_view last_code, int failures,
                               std::chrono::microseconds lasted);

} // namespace mailmoor::mailbox
