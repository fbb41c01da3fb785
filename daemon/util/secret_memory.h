// The memory in which Secrets live: pages of their own between guard pages, locked in RAM as far as RLIMIT_MEMLOCK
// lets, left out of core dumps, zero in a forked child, overwritten when given back. One for the process; any thread.
//
// Not a library's: OpenSSL's secure heap is one arena that is locked whole or not at all and cannot grow; libsodium
// maps four pages for each allocation, 160 MiB for the tokens of 5,000 mailboxes; the standard pool resources keep
// their books inside the pages that a fork finds zeroed. Here the books are kept outside.
#pragma once

#include <cstddef>

namespace mailmoor::secret_memory {

struct Block {
  char* bytes = nullptr;
  std::size_t capacity = 0;
};

// At least `size` zero bytes; a null block for none. Throws std::bad_alloc.
[[nodiscard]] Block allocate(std::size_t size);
// Overwrites the block and takes it back; null blocks are fine.
void release(Block block) noexcept;

// Bytes of pages in use. What is not locked may be written to swap; all else holds for it, too.
struct Usage {
  std::size_t locked = 0;
  std::size_t not_locked = 0;
};
[[nodiscard]] Usage usage() noexcept;

} // namespace mailmoor::secret_memory
