// Says once in the life of the process that some secrets are in memory that could be swapped out, and what cures it.
// Loop thread only.
#pragma once

#include "util/secret_memory.h"

#include <cstddef>
#include <optional>
#include <string>

namespace mailmoor::supervisor {

class SwapNotice final {
 public:
  // To be called every few seconds. The text to log, at the first call that finds bytes not locked, and as many as the
  // call before did: while tokens are being loaded the number would say little. `limit`: RLIMIT_MEMLOCK in bytes.
  [[nodiscard]] std::optional<std::string> look(secret_memory::Usage usage, std::size_t limit);
  // With the numbers of this process; writes the log.
  void look_at_this_process();

 private:
  std::size_t seen_ = 0;
  bool said_ = false;
};

} // namespace mailmoor::supervisor
