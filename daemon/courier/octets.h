// How numbers and texts are laid out in a frame and in a journalled answer: numbers big endian, texts after their size
// in 4 bytes. What is written may be secret, so it is collected in a Secret. Any thread.
#pragma once

#include "util/secret.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailmoor::courier {

class OctetWriter final {
 public:
  void put_number(std::uint64_t value, unsigned bytes) {
    char octets[8] = {};
    for (unsigned i = 0; i < bytes; ++i)
      octets[i] = static_cast<char>((value >> ((bytes - 1 - i) * 8)) & 0xFF);
    out_.append({octets, bytes});
  }
  void put_text(std::string_view text) {
    put_number(text.size(), 4);
    out_.append(text);
  }
  [[nodiscard]] Secret take() noexcept { return std::move(out_); }

 private:
  Secret out_;
};

// After the first thing that is not there, everything is zero or empty and is_good() says so.
class OctetReader final {
 public:
  explicit OctetReader(std::string_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] std::uint64_t take_number(unsigned bytes) noexcept {
    std::uint64_t value = 0;
    for (const char c : take(bytes))
      value = (value << 8) | static_cast<unsigned char>(c);
    return value;
  }
  // A text of at most `limit` bytes; a view into what is being read.
  [[nodiscard]] std::string_view take_text(std::size_t limit) noexcept {
    const std::size_t size = take_number(4);
    if (size <= limit) return take(size);
    good_ = false;
    return {};
  }
  [[nodiscard]] bool is_good() const noexcept { return good_; }
  [[nodiscard]] bool is_at_end() const noexcept { return good_ && rest_.empty(); }

 private:
  [[nodiscard]] std::string_view take(std::size_t size) noexcept {
    if (!good_ || size > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool good_ = true;
};

} // namespace mailmoor::courier
