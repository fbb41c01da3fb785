#include "util/key_file.h"

#include "util/base64.h"
#include "util/concat.h"
#include "util/durable.h"
#include "util/may_block.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <span>
#include <string_view>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor {
namespace {

constexpr std::size_t kKeySize = 32;

[[nodiscard]] std::unexpected<Error> unwritable(const std::string& path, int cause) {
  return fail(ErrorKind::kOperator, "key_file_unwritable", concat("cannot write ", path, ": ", errno_text(cause)),
              concat("let the user that runs this own ", parent_directory(path), ", and see that its disk has room"));
}

// Fewer than 256 bytes from getrandom(2) come whole or not at all.
[[nodiscard]] bool fill_random(std::span<char> out) noexcept {
  ssize_t got = -1;
  do
    got = ::getrandom(out.data(), out.size(), 0);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(out.size());
}

[[nodiscard]] bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

// A file that is being written: one without a name, of which a kill leaves nothing; or, where the file system knows no
// such thing, one with a name of its own, which goes with this object.
class Draft final {
 public:
  explicit Draft(const std::string& path) {
    constexpr const char* kOpenFiles = "/proc/self/fd";
    if (::access(kOpenFiles, X_OK) == 0)
      fd_ = UniqueFd(::open(parent_directory(path).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (fd_.is_open()) {
      name_ = concat(kOpenFiles, '/', fd_.get());
      return;
    }
    name_ = concat(path, ".XXXXXX");
    fd_ = UniqueFd(::mkostemp(name_.data(), O_CLOEXEC)); // mode 0600
    has_own_name_ = fd_.is_open();
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (has_own_name_) ::unlink(name_.c_str());
  }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); } // -1: see errno
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  UniqueFd fd_;
  std::string name_;
  bool has_own_name_ = false;
};

} // namespace

Status create_key_file_blocking(const std::string& path) {
  Secret key = Secret::of_size(kKeySize);
  if (!fill_random(key.writable())) return unwritable(path, errno);
  return create_key_file_blocking(path, key);
}

Status create_key_file_blocking(const std::string& path, const Secret& key) {
  assert_may_block();
  Secret text = base64_encode_secret(key.reveal());
  text.append("\n");
  const Draft draft(path);
  const int fd = draft.fd();
  if (fd < 0) return unwritable(path, errno);
  if (::fchmod(fd, S_IRUSR | S_IWUSR) != 0 || !write_all(fd, text.reveal()) || ::fsync(fd) != 0)
    return unwritable(path, errno);
  // linkat(2), unlike rename(2), never replaces: an existing key may be the only one that opens a vault.
  if (::linkat(AT_FDCWD, draft.name().c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno == EEXIST)
      return fail(ErrorKind::kOperator, "key_file_exists", concat(path, " is there already"),
                  "use it, or choose another path; a vault sealed with it opens with no other key");
    return unwritable(path, errno);
  }
  return sync_parent_directory_blocking(path);
}

} // namespace mailmoor
