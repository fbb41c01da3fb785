#include "util/durable.h"

#include "util/concat.h"
#include "util/may_block.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace mailmoor {

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status sync_parent_directory_blocking(const std::string& path) {
  assert_may_block();
  const std::string directory = parent_directory(path);
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: this file system has no fsync for directories, so there is nothing to wait for.
  if (fd.is_open() && (::fsync(fd.get()) == 0 || errno == EINVAL)) return {};
  return fail(ErrorKind::kOperator, "directory_sync_failed",
              concat("cannot make ", directory, " durable: ", errno_text(errno)),
              "check the disk and its file system (dmesg)");
}

} // namespace mailmoor
