// One daemon per state directory: an flock(2) on <dir>/lock, with the holder's process id inside. It lasts as long as
// the object, or the process. Blocking.
#pragma once

#include "util/result.h"
#include "util/unique_fd.h"

#include <string>
#include <utility>

namespace mailmoor::store {

class StateDirectoryLock final {
 private:
  friend Result<StateDirectoryLock> lock_state_directory_blocking(const std::string& directory);
  explicit StateDirectoryLock(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
};

// Makes the directory (0700) when it is missing; its parent must exist. kOperator: state_dir_in_use (names the
// holder's process id), state_dir_unusable.
[[nodiscard]] Result<StateDirectoryLock> lock_state_directory_blocking(const std::string& directory);

} // namespace mailmoor::store
