#include "store/reply_journal.h"

#include "util/concat.h"
#include "util/durable.h"
#include "util/may_block.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <openssl/sha.h>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor::store {
namespace {

constexpr std::string_view kMark = "MMj1";
constexpr std::size_t kChecksumSize = 8;
constexpr std::size_t kHeadSize = 4 + 4 + kChecksumSize; // mark, size, checksum
constexpr std::size_t kLeastBody = 8 + 2;

void append_number(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned shift = bytes * 8; shift != 0; shift -= 8)
    out.push_back(static_cast<char>((value >> (shift - 8)) & 0xFF));
}

[[nodiscard]] std::uint64_t number_at(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (const char c : bytes.substr(offset, size))
    value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

[[nodiscard]] std::string checksum(std::string_view body) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data());
  return {reinterpret_cast<const char*>(digest.data()), kChecksumSize};
}

// The body of the whole record that `bytes` begins with; empty if it begins with none.
[[nodiscard]] std::string_view body_at_front(std::string_view bytes) {
  if (bytes.size() < kHeadSize || !bytes.starts_with(kMark)) return {};
  const std::size_t size = number_at(bytes, 4, 4);
  if (size < kLeastBody || size > kMaxJournalRecord || size > bytes.size() - kHeadSize) return {};
  const std::string_view body = bytes.substr(kHeadSize, size);
  return bytes.substr(8, kChecksumSize) == checksum(body) ? body : std::string_view();
}

[[nodiscard]] std::optional<JournalEntry> entry_in(std::string_view body) {
  const std::size_t name_size = number_at(body, 8, 2);
  if (name_size > body.size() - kLeastBody) return std::nullopt;
  JournalEntry entry;
  entry.id = number_at(body, 0, 8);
  entry.token_id = body.substr(kLeastBody, name_size);
  entry.sealed = body.substr(kLeastBody + name_size);
  return entry;
}

[[nodiscard]] std::unexpected<Error> unusable(std::string_view doing, const std::string& path, int cause) {
  const bool is_full = cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
  return fail(is_full ? ErrorKind::kHost : ErrorKind::kOperator, "courier_journal_unusable",
              concat("cannot ", doing, ' ', path, ": ", errno_text(cause)),
              is_full ? "make room on the disk of state_dir"
                      : "see that state_dir is a directory that mailmoord can write");
}

// False, with errno: not all of it was written.
[[nodiscard]] bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

[[nodiscard]] Result<off_t> size_of(int fd, const std::string& path) {
  struct stat file{};
  if (::fstat(fd, &file) != 0) return unusable("look at", path, errno);
  return file.st_size;
}

} // namespace

std::string encode_record(const JournalEntry& entry) {
  std::string body;
  append_number(body, entry.id, 8);
  append_number(body, entry.token_id.size(), 2);
  body += entry.token_id;
  body += entry.sealed;
  std::string record(kMark);
  append_number(record, body.size(), 4);
  record += checksum(body);
  return record + body;
}

JournalContent decode_journal(std::string_view bytes) {
  JournalContent content;
  std::size_t damaged = 0; // since the last whole record
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::string_view body = body_at_front(bytes.substr(at));
    auto entry = body.empty() ? std::nullopt : entry_in(body);
    if (!entry) {
      const std::size_t next = std::min(bytes.find(kMark, at + 1), bytes.size());
      damaged += next - at;
      at = next;
      continue;
    }
    content.damaged_inside += std::exchange(damaged, 0);
    content.entries.push_back(*std::move(entry));
    at += kHeadSize + body.size();
  }
  content.damaged_tail = damaged;
  return content;
}

Result<ReplyJournal> ReplyJournal::open_blocking(std::string path) {
  assert_may_block();
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!file.is_open()) return unusable("open", path, errno);
  if (auto synced = sync_parent_directory_blocking(path); !synced) return pass(std::move(synced).error());
  return ReplyJournal(std::move(file), std::move(path));
}

Result<bool> ReplyJournal::try_lock_blocking() {
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return unusable("lock", path_, errno);
}

Result<std::string> ReplyJournal::read_blocking() const {
  assert_may_block();
  const auto size = size_of(file_.get(), path_);
  if (!size) return pass(size.error());
  std::string bytes(std::min(static_cast<std::size_t>(*size), kMaxJournal), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = ::pread(file_.get(), bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unusable("read", path_, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Status ReplyJournal::reserve_blocking(std::size_t records) const {
  assert_may_block();
  const auto size = size_of(file_.get(), path_);
  if (!size) return pass(size.error());
  const auto wanted = static_cast<off_t>(records * (kHeadSize + kMaxJournalRecord));
  if (*size + wanted > static_cast<off_t>(kMaxJournal))
    return fail(ErrorKind::kHost, "courier_journal_unusable",
                concat(path_, " is full of answers that could not be stored yet"),
                "see why tokens.db cannot be written");
  if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, *size, wanted) == 0) return {};
  if (errno == ENOSPC || errno == EDQUOT || errno == EIO) return unusable("reserve room in", path_, errno);
  return {}; // this file system cannot
}

Status ReplyJournal::append_blocking(const JournalEntry& entry) {
  assert_may_block();
  const std::string record = encode_record(entry);
  if (entry.token_id.size() > 0xFFFF || record.size() > kHeadSize + kMaxJournalRecord)
    return unusable("write", path_, EMSGSIZE);
  const auto size = size_of(file_.get(), path_);
  if (!size) return pass(size.error());
  if (write_all(file_.get(), record) && ::fdatasync(file_.get()) == 0) return {};
  const int cause = errno;
  [[maybe_unused]] const int undone = ::ftruncate(file_.get(), *size); // a damaged tail is survived, too
  return unusable("write", path_, cause);
}

Status ReplyJournal::clear_blocking() {
  assert_may_block();
  if (::ftruncate(file_.get(), 0) == 0) return {};
  return unusable("empty", path_, errno);
}

Status ReplyJournal::set_aside_blocking(std::string_view bytes) const {
  assert_may_block();
  const std::string path = concat(path_, ".set-aside");
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!file.is_open()) return unusable("open", path, errno);
  if (!write_all(file.get(), bytes) || ::fsync(file.get()) != 0) return unusable("write", path, errno);
  return sync_parent_directory_blocking(path);
}

} // namespace mailmoor::store
