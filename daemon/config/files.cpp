#include "config/files.h"

#include "util/concat.h"
#include "util/may_block.h"
#include "util/secret.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor::config {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

[[nodiscard]] std::unexpected<Error> unreadable(std::string why) {
  return fail(ErrorKind::kOperator, "config_unreadable", std::move(why));
}

// Reads to the end, at most one byte more than allowed: a file may grow while it is read.
[[nodiscard]] Result<std::string> read_text(int fd, std::size_t expected) {
  std::string text;
  text.reserve(std::min(expected, Files::kMaxFileSize) + 1); // so that growing leaves no copies of secrets behind
  while (text.size() <= Files::kMaxFileSize) {
    char buffer[65536];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    const int cause = errno;
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    wipe_memory(buffer, sizeof buffer);
    if (got < 0) return unreadable(errno_text(cause));
    if (got == 0) return text;
  }
  return unreadable("it is larger than 16 MiB");
}

} // namespace

Result<SourceFile> DiskFiles::read(const std::string& path) const {
  assert_may_block();
  // O_NONBLOCK: a FIFO in its place must not stop the daemon.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat file{};
  if (!fd.is_open() || ::fstat(fd.get(), &file) != 0) return unreadable(errno_text(errno));
  if (!S_ISREG(file.st_mode)) return unreadable("it is not a regular file");
  auto text = read_text(fd.get(), static_cast<std::size_t>(file.st_size));
  if (!text) return pass(std::move(text).error());
  return SourceFile{path, *std::move(text), (file.st_mode & kOthers) == 0};
}

std::vector<std::string> DiskFiles::match(const std::string& pattern) const {
  assert_may_block();
  std::vector<std::string> out;
  glob_t found{};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): so only with GLOB_TILDE
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return out;
}

Files::Access DiskFiles::inspect(const std::string& path) const {
  assert_may_block();
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) return errno == ENOENT || errno == ENOTDIR ? Access::kAbsent : Access::kUnknown;
  if (!S_ISREG(file.st_mode)) return Access::kNotAFile;
  return (file.st_mode & kOthers) != 0 ? Access::kOpenToOthers : Access::kFine;
}

bool DiskFiles::is_program(const std::string& path) const {
  assert_may_block();
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) return true;
  return (file.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

} // namespace mailmoor::config
