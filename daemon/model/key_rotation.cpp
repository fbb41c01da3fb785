#include "model/key_rotation.h"

#include "util/concat.h"

namespace mailmoor {

std::string to_text(const KeyRotation& rotation) {
  std::string text = concat("the token store is sealed with a new master key, ", rotation.key_source, " (",
                            rotation.values, rotation.values == 1 ? " value)" : " values)");
  if (rotation.unreadable != 0)
    text += concat("; ", rotation.unreadable, rotation.unreadable == 1 ? " was" : " were",
                   " damaged before and left as found: sign in again where a token is said to be damaged");
  if (!rotation.next.empty()) text += concat("; ", rotation.next);
  return text;
}

} // namespace mailmoor
