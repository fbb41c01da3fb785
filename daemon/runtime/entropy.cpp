#include "runtime/entropy.h"

#include "util/scope_exit.h"

#include <array>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <sys/random.h>

namespace mailmoor::runtime {

Secret random_secret(std::size_t size) {
  std::array<char, 256> bytes{};
  assert(size <= bytes.size());
  const ScopeExit wipe([&bytes] { wipe_memory(bytes.data(), bytes.size()); });
  ssize_t got = -1;
  do
    got = ::getrandom(bytes.data(), size, 0);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(size)) std::abort();
  return Secret({bytes.data(), size});
}

} // namespace mailmoor::runtime
