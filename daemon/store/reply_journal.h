// courier.journal: the answers of token endpoints, each on stable storage before anyone acts on it. Whoever holds the
// flock(2) on the file owns it: one courier at a time, and the daemon between two couriers. Never renamed or deleted.
//
// Format, pinned by a test; numbers are big endian:
//   record: mark "MMj1" ‖ size of the body (4 bytes) ‖ checksum (first 8 bytes of the SHA-256 of the body) ‖ body
//   body:   exchange id (8) ‖ size of the token id (2) ‖ token id ‖ sealed answer (sealer.h)
// The checksum tells a torn record from a whole one; that nobody changed it is the seal's business. What a power cut
// leaves behind the last durable record is a damaged tail. After damage in the middle reading goes on at the next whole
// record. An empty file is an empty journal.
// Blocking.
#pragma once

#include "util/result.h"
#include "util/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::store {

inline constexpr std::size_t kMaxJournalRecord = 512UL * 1024; // bytes: an answer of 256 KiB, and room
inline constexpr std::size_t kMaxJournal = 64UL * 1024 * 1024;

struct JournalEntry {
  std::uint64_t id = 0; // of the exchange, unique within one courier's life
  std::string token_id; // "app/login_user", at most 64 KiB
  std::string sealed;
};

struct JournalContent {
  std::vector<JournalEntry> entries; // in the order in which they were written
  std::size_t damaged_inside = 0;    // bytes that are no record, before the last whole one
  std::size_t damaged_tail = 0;      // bytes behind it: of a record that was being written
};

[[nodiscard]] std::string encode_record(const JournalEntry& entry);
// Any bytes.
[[nodiscard]] JournalContent decode_journal(std::string_view bytes);

class ReplyJournal final {
 public:
  // Opens or makes the file (0600), which is durable in its directory then. Not locked yet.
  // Errors of all calls are "courier_journal_unusable": kHost where there is no room, which ends by itself; else
  // kOperator.
  [[nodiscard]] static Result<ReplyJournal> open_blocking(std::string path);
  // A journal that is open and locked already: handed over by the process that started us.
  ReplyJournal(UniqueFd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  // False: another process has the lock. It lasts as long as any process holds this descriptor.
  [[nodiscard]] Result<bool> try_lock_blocking();
  [[nodiscard]] Result<std::string> read_blocking() const;
  // Makes room on the disk for `records` more of any size, where the file system can: so that a full disk shows before
  // a request is sent, not when its answer must be kept.
  [[nodiscard]] Status reserve_blocking(std::size_t records) const;
  // On stable storage when it returns. After an error the journal is as it was, or has a damaged tail.
  [[nodiscard]] Status append_blocking(const JournalEntry& entry);
  // Empties it, with all that was reserved.
  [[nodiscard]] Status clear_blocking();
  // Adds `bytes` to the file `path`.set-aside, durably, for a person to look at.
  [[nodiscard]] Status set_aside_blocking(std::string_view bytes) const;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

 private:
  UniqueFd file_;
  std::string path_;
};

} // namespace mailmoor::store
