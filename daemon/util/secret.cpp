#include "util/secret.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace mailmoor {

void wipe_memory(void* bytes, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(bytes, size);
}

Secret::Secret(std::string_view bytes) {
  append(bytes);
}

Secret Secret::of_size(std::size_t size) {
  Secret secret;
  secret.block_ = secret_memory::allocate(size);
  secret.size_ = size;
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : block_(std::exchange(other.block_, {})), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    block_ = std::exchange(other.block_, {});
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() {
  wipe();
}

void Secret::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > block_.capacity - size_) {
    // Kept until the end: `bytes` may be of this secret.
    const secret_memory::Block old = block_;
    const std::size_t needed = size_ + bytes.size();
    block_ = secret_memory::allocate(size_ == 0 ? needed : std::max(needed, 2 * size_));
    if (size_ != 0) std::memcpy(block_.bytes, old.bytes, size_);
    std::memcpy(block_.bytes + size_, bytes.data(), bytes.size());
    secret_memory::release(old);
  } else {
    std::memcpy(block_.bytes + size_, bytes.data(), bytes.size());
  }
  size_ += bytes.size();
}

void Secret::reserve(std::size_t size) {
  if (size <= block_.capacity) return;
  const secret_memory::Block old = std::exchange(block_, secret_memory::allocate(size));
  if (size_ != 0) std::memcpy(block_.bytes, old.bytes, size_);
  secret_memory::release(old);
}

void Secret::truncate(std::size_t size) noexcept {
  assert(size <= size_);
  wipe_memory(block_.bytes + size, size_ - size);
  size_ = size;
}

void Secret::wipe() noexcept {
  secret_memory::release(std::exchange(block_, {}));
  size_ = 0;
}

bool operator==(const Secret& a, const Secret& b) noexcept {
  if (a.size_ != b.size_) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size_; ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a.block_.bytes[i]) ^
                                        static_cast<unsigned char>(b.block_.bytes[i]));
  return difference == 0;
}

} // namespace mailmoor
