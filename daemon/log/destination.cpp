#include "log/destination.h"

#include <sys/stat.h>

#include <charconv>
#include <cstdint>

namespace mailmoor::log {

namespace {

// The whole of `text` as a decimal number.
bool parse_number(std::string_view text, std::uint64_t& out) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && stop == end;
}

} // namespace

bool is_journal_stream(std::string_view journal_stream, int fd) noexcept {
  const auto colon = journal_stream.find(':');
  if (colon == std::string_view::npos) return false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  if (!parse_number(journal_stream.substr(0, colon), device)) return false;
  if (!parse_number(journal_stream.substr(colon + 1), inode)) return false;
  struct stat status{};
  return ::fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

} // namespace mailmoor::log
