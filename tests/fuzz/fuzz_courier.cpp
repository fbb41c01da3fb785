// What comes over the socket pair between daemon and courier, and what a disk made of the courier's journal.
// Input: one byte that picks which, then the bytes; those of the socket arrive in pieces of the size in the next byte.
// Must hold for any bytes: no crash, no throw; a message that was read is read again alike from its own encoding; the
// journal's whole records, tail and damage account for every byte.
#include "courier/answer.h"
#include "courier/messages.h"
#include "store/reply_journal.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mailmoor::courier {
namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void read_frames(std::size_t piece, std::string_view bytes) {
  FrameReader reader;
  while (!bytes.empty()) {
    const std::string_view now = bytes.substr(0, piece);
    bytes.remove_prefix(now.size());
    reader.append(now);
    while (true) {
      const auto frame = reader.next();
      if (!frame) return;
      if (!*frame) break;
      must((*frame)->size() <= kMaxFrame);
      const auto message = decode((*frame)->reveal());
      if (!message) return;
      const Secret again = encode(*message);
      const auto message_again = decode(again.reveal().substr(4));
      must(message_again.has_value());
      must(encode(*message_again) == again);
    }
  }
}

void read_journal(std::string_view bytes) {
  const store::JournalContent content = store::decode_journal(bytes);
  std::size_t sum = content.damaged_inside + content.damaged_tail;
  std::string whole;
  for (const store::JournalEntry& entry : content.entries)
    whole += store::encode_record(entry);
  must(sum + whole.size() == bytes.size());
  const store::JournalContent again = store::decode_journal(whole);
  must(again.entries.size() == content.entries.size() && again.damaged_inside == 0 && again.damaged_tail == 0);
}

void open_sealed(std::string_view bytes) {
  static const auto sealer = make_sealer(Secret(std::string(32, 'k'))).value();
  must(!open_answer(sealer, "app/alice", bytes)); // nobody guesses a tag
}

} // namespace
} // namespace mailmoor::courier

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view rest = std::string_view(reinterpret_cast<const char*>(bytes), size).substr(2);
  if (bytes[0] % 3 == 0) mailmoor::courier::read_frames(std::max<std::size_t>(bytes[1], 1), rest);
  if (bytes[0] % 3 == 1) mailmoor::courier::read_journal(rest);
  if (bytes[0] % 3 == 2) mailmoor::courier::open_sealed(rest);
  return 0;
}
