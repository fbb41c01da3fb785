// A string that is never printed and is wiped when it goes: passwords, tokens, keys, client secrets.
// Move-only, so that each copy is written as clone(). Any thread; one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace mailmoor {

class Secret final {
 public:
  Secret() noexcept = default;
  explicit Secret(std::string_view bytes);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The bytes, valid while this object lives and is not assigned to. Do not copy them into a std::string that
  // outlives the call that needs them.
  [[nodiscard]] std::string_view reveal() const noexcept { return {bytes_.get(), size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Secret clone() const { return Secret(reveal()); }
  void append(std::string_view bytes);

  // Constant-time for equal lengths.
  friend bool operator==(const Secret& a, const Secret& b) noexcept;

 private:
  void wipe() noexcept;

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// Overwrites memory in a way that the optimiser keeps.
void wipe_memory(void* bytes, std::size_t size) noexcept;

} // namespace mailmoor
