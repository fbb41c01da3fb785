// Bytes on their way to the server. Whatever leaves it, by being sent or by growing, is overwritten: it may have been
// a token.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace mailmoor::imap {

class OutputBuffer final {
 public:
  OutputBuffer() = default;
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;
  ~OutputBuffer();

  void append(std::string_view bytes);
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
  // Wipes the first `count` bytes of view(). REQUIRES: count ≤ view().size().
  void consume(std::size_t count) noexcept;

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

} // namespace mailmoor::imap
