// Randomness that nobody can predict, from the kernel. Any thread.
#pragma once

#include "util/secret.h"

#include <cstddef>

namespace mailmoor::runtime {

// `size` ≤ 256 bytes of getrandom(2), which come whole, without a wait once the system has booted. Ends the program
// where the kernel gives none: what would be signed in with guessable secrets must not be signed in.
[[nodiscard]] Secret random_secret(std::size_t size);

} // namespace mailmoor::runtime
