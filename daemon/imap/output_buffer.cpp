#include "imap/output_buffer.h"

#include "util/secret.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mailmoor::imap {

OutputBuffer::~OutputBuffer() {
  wipe_memory(bytes_.get(), end_);
}

void OutputBuffer::append(std::string_view bytes) {
  if (bytes.size() > capacity_ - end_) {
    const std::string_view kept = view();
    const std::size_t needed = kept.size() + bytes.size();
    const std::size_t grown = std::max(needed, capacity_ * 2);
    auto room = std::make_unique_for_overwrite<char[]>(grown);
    std::ranges::copy(kept, room.get());
    wipe_memory(bytes_.get(), end_);
    end_ = kept.size();
    begin_ = 0;
    bytes_ = std::move(room);
    capacity_ = grown;
  }
  std::ranges::copy(bytes, bytes_.get() + end_);
  end_ += bytes.size();
}

void OutputBuffer::consume(std::size_t count) noexcept {
  assert(count <= end_ - begin_);
  wipe_memory(bytes_.get() + begin_, count);
  begin_ += count;
  if (begin_ != end_) return;
  begin_ = 0;
  end_ = 0;
}

} // namespace mailmoor::imap
