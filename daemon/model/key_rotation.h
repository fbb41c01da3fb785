// What came of sealing the token vault with a new master key. Plain data.
#pragma once

#include <cstddef>
#include <string>

namespace mailmoor {

struct KeyRotation {
  std::string key_source;     // where the new key is, e.g. "file /var/lib/mailmoor/master.key"
  std::size_t values = 0;     // sealed anew
  std::size_t unreadable = 0; // opened with the old key no more than with the new one, and left as they were
  std::string next;           // what the operator has to do now; empty: nothing
};

// For people, one line without an end.
[[nodiscard]] std::string to_text(const KeyRotation& rotation);

} // namespace mailmoor
