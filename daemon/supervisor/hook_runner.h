// Runs the programs under `hooks:` of the configuration: two at once, in order, what waits is bounded and one of a
// kind. A hook that fails is told of once, until it works again. Owned by the fleet. Loop thread only.
#pragma once

#include "mailbox/services.h"
#include "runtime/child_process.h"
#include "runtime/task_set.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::supervisor {

struct HookCall {
  std::string hook;    // its key in the configuration: "login_needed"
  std::string subject; // what it is about; of two waiting calls about the same the newer one remains
  std::string mailbox; // for the log; empty: none
  std::vector<std::string> argv;
  // In lower case for the JSON, in upper case and behind MAILMOOR_ for the environment. No secrets.
  std::vector<std::pair<std::string, std::string>> facts;
  std::function<void()> on_end; // it has run, or could not be; may be empty
};

class HookRunner final {
 public:
  explicit HookRunner(const mailbox::Services& services);

  // False: as many wait as may; ask again later.
  [[nodiscard]] bool call(HookCall call);
  [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size(); }
  // Nothing runs or waits.
  [[nodiscard]] bool idle() const noexcept { return working_ == 0; }

 private:
  [[nodiscard]] runtime::Task<void> work();
  [[nodiscard]] runtime::Task<void> run(HookCall call);

  const mailbox::Services& services_;
  std::deque<HookCall> queue_;
  std::size_t working_ = 0;
  runtime::TaskSet workers_;
};

// What a hook gets beside its argv. Pure but for reading this process's environment, of which only what every program
// wants (PATH, HOME, the locale, the time zone) is passed on.
[[nodiscard]] std::vector<std::string> hook_environment(const HookCall& call);
[[nodiscard]] std::string hook_input(const HookCall& call); // one JSON object and a line end

} // namespace mailmoor::supervisor
