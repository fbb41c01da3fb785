// Bytes on their way to the server, in the memory of Secrets: they may be a token. Whatever leaves it, by being sent or
// by growing, is overwritten. An empty one has no memory.
#pragma once

#include "util/secret_memory.h"

#include <cstddef>
#include <string_view>

namespace mailmoor::imap {

class OutputBuffer final {
 public:
  OutputBuffer() = default;
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;
  ~OutputBuffer();

  void append(std::string_view bytes);
  [[nodiscard]] std::string_view view() const noexcept { return {block_.bytes + begin_, end_ - begin_}; }
  // Wipes the first `count` bytes of view(). REQUIRES: count ≤ view().size().
  void consume(std::size_t count) noexcept;

 private:
  secret_memory::Block block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

} // namespace mailmoor::imap
