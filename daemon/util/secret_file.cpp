#include "util/secret_file.h"

#include "util/concat.h"
#include "util/durable.h"
#include "util/may_block.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

[[nodiscard]] std::string octal(mode_t mode) {
  const auto digit = [mode](unsigned shift) { return static_cast<char>('0' + ((mode >> shift) & 7U)); };
  return {'0', digit(6), digit(3), digit(0)};
}

[[nodiscard]] bool lies_directly_in(const std::string& path, std::string_view directory) {
  while (directory.size() > 1 && directory.ends_with('/'))
    directory.remove_suffix(1);
  return !directory.empty() && parent_directory(path) == directory;
}

[[nodiscard]] Status check_file(const struct stat& file, const std::string& path, std::size_t max_size,
                                std::string_view credentials_directory) {
  if (!S_ISREG(file.st_mode))
    return fail(ErrorKind::kOperator, "secret_file_not_regular", concat(path, " is not a regular file"),
                "give the path of a file that holds the secret and nothing else");
  if ((file.st_mode & kOthers) != 0 && !lies_directly_in(path, credentials_directory))
    return fail(ErrorKind::kOperator, "secret_file_readable_by_others",
                concat(path, " holds a secret but has mode ", octal(file.st_mode), ", open to others than its owner"),
                concat("chmod 600 ", path));
  if (static_cast<std::size_t>(file.st_size) > max_size)
    return fail(ErrorKind::kOperator, "secret_file_too_large",
                concat(path, " has ", file.st_size, " bytes; a secret has at most ", max_size),
                "give the path of a file that holds the secret and nothing else");
  return {};
}

// A file of `size` bytes is expected; one that grows meanwhile is read up to that size.
[[nodiscard]] Result<Secret> read_bytes(int fd, std::size_t size, const std::string& path) {
  Secret bytes = Secret::of_size(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(fd, bytes.writable().data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(ErrorKind::kOperator, "secret_file_unreadable", concat("cannot read ", path, ": ", errno_text(errno)),
                  "check the disk and its file system (dmesg)");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.truncate(filled);
  return bytes;
}

} // namespace

Result<Secret> read_secret_bytes_blocking(const std::string& path, std::size_t max_size,
                                          std::string_view credentials_directory) {
  assert_may_block();
  // O_NONBLOCK: a FIFO in its place must not stop the daemon.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat file{};
  if (!fd.is_open() || ::fstat(fd.get(), &file) != 0) {
    const int cause = errno;
    const bool missing = cause == ENOENT || cause == ENOTDIR;
    return fail(ErrorKind::kOperator, missing ? "secret_file_missing" : "secret_file_unreadable",
                concat("cannot open ", path, ": ", errno_text(cause)),
                missing ? "make the file, or correct the path" : "let the user that mailmoord runs as own the file");
  }
  if (auto checked = check_file(file, path, max_size, credentials_directory); !checked)
    return pass(std::move(checked).error());
  return read_bytes(fd.get(), static_cast<std::size_t>(file.st_size), path);
}

Result<Secret> read_secret_file_blocking(const std::string& path, std::size_t max_size,
                                         std::string_view credentials_directory) {
  auto content = read_secret_bytes_blocking(path, max_size, credentials_directory);
  if (!content) return content;
  std::string_view text = content->reveal();
  if (!text.ends_with('\n')) return content;
  text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
  return Secret(text);
}

} // namespace mailmoor
