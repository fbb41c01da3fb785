// What a reload has to do: which mailboxes come, go, or must start again.
#pragma once

#include "config/config.h"

#include <string>
#include <vector>

namespace mailmoor::config {

struct Diff {
  std::vector<std::string> added;          // mailbox names, in the order of `next`
  std::vector<std::string> changed;        // in both, but they or their app differ
  std::vector<std::string> removed;        // in the order of `old`
  std::vector<std::string> global_changed; // keys: "state_dir", "runtime_dir", "key", "limits"

  [[nodiscard]] bool empty() const noexcept {
    return added.empty() && changed.empty() && removed.empty() && global_changed.empty();
  }
};

[[nodiscard]] Diff diff(const Config& old, const Config& next);

} // namespace mailmoor::config
