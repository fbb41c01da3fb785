// When a mailbox tries again after a fault: the one table that reads an error's kind and code. Pure.
#pragma once

#include "util/error.h"

#include <chrono>
#include <string_view>

namespace mailmoor::mailbox {

// How long a session must have lasted to count as recovered. One that is accepted and dropped over and over again must
// not start the ladder anew each time (seen elsewhere as 17 logins a second).
inline constexpr std::chrono::minutes kStableAfter{5};

// The wait of our own choice after `failures` ≥ 1 faults in a row, of which `error` is the last:
//   host, mailbox, folder         5 s doubling to 15 min
//   "too_many_connections"        10 min: Gmail wants five at the least
//   app, operator, bug, and
//   "not_connected" (Exchange's   1 min, 5 min, 15 min, 1 h, then every hour
//   word for a missing right)
// the later half of it by chance (`random01` in [0, 1)), so that many mailboxes do not come back at once.
[[nodiscard]] std::chrono::milliseconds back_off(const Error& error, int failures, double random01);

// Gmail's word that an account has had too much, which names no time and may hold for a day: 1 h, doubling to 24 h with
// each of the `times` ≥ 1 in a row. It is imposed.
[[nodiscard]] std::chrono::hours over_quota_wait(int times);

// How many faults in a row there are with this one, after a session that lasted so long. `last_code` and `failures`: of
// the fault before, empty when a pass was completed since. "over_quota" counts itself only, however long it is between.
[[nodiscard]] int count_faults(const Error& error, std::string_view last_code, int failures,
                               std::chrono::microseconds lasted);

} // namespace mailmoor::mailbox
