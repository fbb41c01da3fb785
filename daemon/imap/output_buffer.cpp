#include "imap/output_buffer.h"

#include "util/secret.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mailmoor::imap {

OutputBuffer::~OutputBuffer() {
  secret_memory::release(block_);
}

void OutputBuffer::append(std::string_view bytes) {
  if (bytes.size() > block_.capacity - end_) {
    const std::string_view kept = view();
    const std::size_t needed = kept.size() + bytes.size();
    const secret_memory::Block grown = secret_memory::allocate(std::max(needed, block_.capacity * 2));
    std::ranges::copy(kept, grown.bytes);
    end_ = kept.size();
    begin_ = 0;
    secret_memory::release(std::exchange(block_, grown));
  }
  std::ranges::copy(bytes, block_.bytes + end_);
  end_ += bytes.size();
}

void OutputBuffer::consume(std::size_t count) noexcept {
  assert(count <= end_ - begin_);
  wipe_memory(block_.bytes + begin_, count);
  begin_ += count;
  if (begin_ != end_) return;
  begin_ = 0;
  end_ = 0;
  secret_memory::release(std::exchange(block_, {}));
}

} // namespace mailmoor::imap
