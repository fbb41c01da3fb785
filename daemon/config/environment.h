// What the configuration takes from around the process, injected so that `check` and tests can pretend.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace mailmoor::config {

struct Environment {
  std::string state_directory;       // $STATE_DIRECTORY, first entry; empty when unset (systemd.exec(5))
  std::string runtime_directory;     // $RUNTIME_DIRECTORY, likewise
  std::string credentials_directory; // $CREDENTIALS_DIRECTORY; empty: the service manager passed no credentials
  // One variable of the environment, for {env: NAME}; empty when unset. May be left null: then none is set.
  std::function<std::optional<std::string>(const std::string& name)> variable;

  [[nodiscard]] static Environment of_this_process();
};

} // namespace mailmoor::config
