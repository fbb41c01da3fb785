// When a mailbox tries again after a fault: the one table that reads an error's kind and code. Pure.
#pragma once

#include "util/error.h"

#include <chrono>

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

} // namespace mailmoor::mailbox
