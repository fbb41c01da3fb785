// SHA-256 of a message as it lies on disk, and who computes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailmoor {

using ContentHash = std::array<std::uint8_t, 32>;

// One message after the other. One thread at a time.
class ContentHasher {
 public:
  ContentHasher() = default;
  ContentHasher(const ContentHasher&) = delete;
  ContentHasher& operator=(const ContentHasher&) = delete;
  virtual ~ContentHasher() = default;

  virtual void add(std::string_view bytes) = 0;
  // The hash of what was added since the last take(); the next message begins.
  [[nodiscard]] virtual ContentHash take() = 0;
};

} // namespace mailmoor
