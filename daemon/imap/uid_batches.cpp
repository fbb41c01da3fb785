#include "imap/uid_batches.h"

#include "util/concat.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

namespace mailmoor::imap {
namespace {

// What the longest UID FETCH has around its set: a tag of up to 12 octets, the line end, and the text between.
constexpr std::size_t kAroundSet = 12 + std::string_view(" UID FETCH  (UID FLAGS INTERNALDATE RFC822.SIZE"
                                                         " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])\r\n")
                                            .size();

// "12,", "12:15,"
[[nodiscard]] std::size_t text_size(UidRange range) {
  return range.first == range.last ? concat(range.first).size() + 1 : concat(range.first, range.last).size() + 2;
}

} // namespace

std::vector<UidSet> split_for_commands(const UidSet& uids, std::uint64_t max_uids, std::size_t max_bytes) {
  assert(max_uids >= 1 && max_bytes >= 200);
  const std::size_t max_text = max_bytes - kAroundSet;
  std::vector<UidSet> batches;
  UidSet batch;
  std::uint64_t room = max_uids;
  std::size_t text = 0;
  const auto flush = [&] {
    if (!batch.empty()) batches.push_back(std::exchange(batch, {}));
    room = max_uids;
    text = 0;
  };
  for (UidRange left : uids.ranges()) {
    while (true) {
      const std::uint64_t size = static_cast<std::uint64_t>(left.last) - left.first + 1;
      const std::uint64_t taken = std::min(size, room);
      const UidRange piece{left.first, static_cast<std::uint32_t>(left.first + taken - 1)};
      if (text + text_size(piece) > max_text) {
        flush();
        continue;
      }
      batch.insert(piece);
      text += text_size(piece);
      room -= taken;
      if (room == 0) flush();
      if (taken == size) break;
      left.first = piece.last + 1;
    }
  }
  flush();
  return batches;
}

} // namespace mailmoor::imap
