// The courier as a process of its own: the same program, executed again by /proc/self/exe with a hidden argument. It
// inherits its end of the socket pair and the locked journal, standard error, and of the environment what names a trust
// store, a language or a resolver's option: no secret, no notification socket, no other descriptor.
// SIGTERM, SIGINT and SIGHUP are blocked in it: it ends when its daemon does.
#pragma once

#include "runtime/clock.h"
#include "util/result.h"
#include "util/unique_fd.h"

#include <string>
#include <string_view>
#include <sys/types.h>

namespace mailmoor::courier {

// How long it goes on after its daemon's end; the unit's TimeoutStopSec is longer.
inline constexpr runtime::Duration kFinishLimit = std::chrono::seconds(15);

// argv[1] of a courier; argv[2] is the log level.
inline constexpr std::string_view kArgument = "--courier";

struct Spawned {
  UniqueFd socket; // our end, non-blocking
  pid_t pid = 0;   // 0: no process of its own (tests)
};

// `journal`: the descriptor that holds the lock; the courier gets one of its own. kHost "courier_unavailable".
[[nodiscard]] Result<Spawned> spawn_blocking(int journal, const std::string& log_level);

// What main() does in the courier. Returns the exit status: 2 when mailmoord did not start us.
[[nodiscard]] int run_process();

} // namespace mailmoor::courier
