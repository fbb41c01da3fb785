#include "store/state_lock.h"

#include "util/concat.h"
#include "util/may_block.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor::store {
namespace {

[[nodiscard]] std::unexpected<Error> unusable(const std::string& what, int cause) {
  return fail(ErrorKind::kOperator, "state_dir_unusable",
              concat("state directory: cannot ", what, ": ", errno_text(cause)),
              "see that state_dir is a directory that the user of mailmoord can write, on a disk with room");
}

// The process id that the holder wrote, digits only.
[[nodiscard]] std::string read_holder(int fd) {
  std::array<char, 16> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view content(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return std::string(content.substr(0, content.find_first_not_of("0123456789")));
}

} // namespace

Result<StateDirectoryLock> lock_state_directory_blocking(const std::string& directory) {
  assert_may_block();
  if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) return unusable(concat("make ", directory), errno);
  const std::string path = concat(directory, "/lock");
  // O_CLOEXEC: a hook that outlives the daemon must not keep the lock.
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.is_open()) return unusable(concat("open ", path), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return unusable(concat("lock ", path), errno);
    const std::string holder = read_holder(file.get());
    return fail(
        ErrorKind::kOperator, "state_dir_in_use",
        concat(directory, " is in use by another mailmoord", holder.empty() ? "" : concat(" (process ", holder, ')')),
        "stop it first, or give this one a state_dir of its own");
  }
  const std::string text = concat(::getpid(), '\n');
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), text.data(), text.size(), 0) < 0)
    return unusable(concat("write ", path), errno);
  return StateDirectoryLock(std::move(file));
}

} // namespace mailmoor::store
