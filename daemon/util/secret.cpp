#include "util/secret.h"

#include <cstring>
#include <utility>

namespace mailmoor {

void wipe_memory(void* bytes, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(bytes, size);
}

Secret::Secret(std::string_view bytes) {
  append(bytes);
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() {
  wipe();
}

void Secret::append(std::string_view bytes) {
  if (bytes.empty()) return;
  auto grown = std::make_unique<char[]>(size_ + bytes.size());
  if (size_ != 0) std::memcpy(grown.get(), bytes_.get(), size_);
  std::memcpy(grown.get() + size_, bytes.data(), bytes.size());
  const std::size_t grown_size = size_ + bytes.size();
  wipe();
  bytes_ = std::move(grown);
  size_ = grown_size;
}

void Secret::wipe() noexcept {
  if (bytes_) wipe_memory(bytes_.get(), size_);
  bytes_.reset();
  size_ = 0;
}

bool operator==(const Secret& a, const Secret& b) noexcept {
  if (a.size_ != b.size_) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size_; ++i)
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(a.bytes_[i]) ^ static_cast<unsigned char>(b.bytes_[i]));
  return difference == 0;
}

} // namespace mailmoor
