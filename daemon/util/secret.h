// A string that is never printed, lives in memory apart (secret_memory.h) and is wiped when it goes: passwords, tokens,
// keys, client secrets. Move-only, so that each copy is written as clone(). Any thread; one thread at a time.
#pragma once

#include "util/secret_memory.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace mailmoor {

class Secret final {
 public:
  Secret() noexcept = default;
  explicit Secret(std::string_view bytes);
  // `size` zero bytes, to be written to by writable().
  [[nodiscard]] static Secret of_size(std::size_t size);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The bytes, valid while this object lives and is not assigned or appended to. Do not copy them into a std::string:
  // what is built of them is built in a Secret.
  [[nodiscard]] std::string_view reveal() const noexcept { return {block_.bytes, size_}; }
  [[nodiscard]] std::span<char> writable() noexcept { return {block_.bytes, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Secret clone() const { return Secret(reveal()); }
  void append(std::string_view bytes);
  void push_back(char byte) { append({&byte, 1}); }
  // Makes room for `size` bytes in all.
  void reserve(std::size_t size);
  // Wipes what comes after the first `size` bytes. REQUIRES: size ≤ this->size().
  void truncate(std::size_t size) noexcept;

  // Constant-time for equal lengths.
  friend bool operator==(const Secret& a, const Secret& b) noexcept;

 private:
  void wipe() noexcept;

  secret_memory::Block block_;
  std::size_t size_ = 0;
};

// Overwrites memory in a way that the optimiser keeps.
void wipe_memory(void* bytes, std::size_t size) noexcept;

} // namespace mailmoor
