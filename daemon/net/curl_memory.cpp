#include "net/curl_memory.h"

#include "util/secret_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include <curl/curl.h>

namespace mailmoor::net {
namespace {

// Before each piece stands how large its block is; the piece is aligned as malloc(3) would.
struct alignas(std::max_align_t) Header {
  std::size_t capacity;
};

[[nodiscard]] Header* header_of(void* piece) noexcept {
  return static_cast<Header*>(piece) - 1;
}

void* allocate(std::size_t size) noexcept {
  if (size > std::numeric_limits<std::size_t>::max() / 2) return nullptr;
  try {
    const secret_memory::Block block = secret_memory::allocate(sizeof(Header) + size);
    return std::construct_at(reinterpret_cast<Header*>(block.bytes), Header{block.capacity}) + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void release(void* piece) noexcept {
  if (piece == nullptr) return;
  Header* const header = header_of(piece);
  secret_memory::release({reinterpret_cast<char*>(header), header->capacity});
}

void* reallocate(void* piece, std::size_t size) noexcept {
  if (piece == nullptr) return allocate(size);
  const std::size_t room = header_of(piece)->capacity - sizeof(Header);
  if (size <= room) return piece;
  void* const grown = allocate(std::max(size, 2 * room));
  if (grown == nullptr) return nullptr;
  std::memcpy(grown, piece, room);
  release(piece);
  return grown;
}

char* duplicate(const char* text) noexcept {
  const std::size_t size = std::strlen(text) + 1;
  void* const copy = allocate(size);
  return copy == nullptr ? nullptr : static_cast<char*>(std::memcpy(copy, text, size));
}

// What secret_memory hands out is zero.
void* allocate_zeroed(std::size_t count, std::size_t size) noexcept {
  if (size != 0 && count > std::numeric_limits<std::size_t>::max() / size) return nullptr;
  return allocate(count * size);
}

} // namespace

void initialise_curl_in_secret_memory() {
  if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, &allocate, &release, &reallocate, &duplicate, &allocate_zeroed) !=
      CURLE_OK)
    throw std::bad_alloc();
}

} // namespace mailmoor::net
