// Runs another program, without a shell, and waits for its end.
//
// The child is the leader of a process group and a session of its own, works in "/", and has nothing of ours: no
// descriptor but the three that it is given, no variable of the environment but those named, no signal handling. When
// its time is up the group gets SIGTERM, and SIGKILL five seconds later. What it writes comes line by line, bounded.
// Loop thread only. REQUIRES: the process ignores SIGPIPE.
#pragma once

#include "runtime/loop.h"
#include "runtime/task.h"
#include "util/result.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::runtime {

struct ChildCommand {
  std::vector<std::string> argv;        // argv[0]: an absolute path
  std::vector<std::string> environment; // all of it, "NAME=value"
  std::string input;                    // what it reads from standard input
  Duration limit{};                     // of real or injected time, as the loop's clock has it
  // Each line of standard output and standard error, without its end; bytes as they came. May be empty.
  std::function<void(std::string_view line)> on_line;
};

struct ChildEnd {
  int exit_status = 0;
  int signal = 0; // that ended it; 0: it exited
  bool ran_too_long = false;
  std::size_t dropped = 0; // bytes of its output beyond the limits below

  [[nodiscard]] bool is_good() const noexcept { return exit_status == 0 && signal == 0 && !ran_too_long; }
};

inline constexpr std::size_t kMaxChildInput = 64 * std::size_t{1024};
inline constexpr std::size_t kMaxChildLine = 1024; // longer ones are cut
inline constexpr std::size_t kMaxChildLines = 100;

// "exit status 3", "killed by SIGKILL", "it ran longer than it may"
[[nodiscard]] std::string describe(const ChildEnd& end);

// Errors: kOperator "not_started" with the reason. Cancelling kills the group.
[[nodiscard]] Task<Result<ChildEnd>> run_child(Loop& loop, ChildCommand command);

} // namespace mailmoor::runtime
