#include "util/key_file.h"

#include "util/base64.h"
#include "util/concat.h"
#include "util/durable.h"
#include "util/may_block.h"
#include "util/scope_exit.h"
#include "util/secret.h"
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

[[nodiscard]] Result<Secret> make_key_text(const std::string& path) {
  Secret key = Secret::of_size(kKeySize);
  if (!fill_random(key.writable())) return unwritable(path, errno);
  Secret text = base64_encode_secret(key.reveal());
  text.append("\n");
  return text;
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

} // namespace

Status create_key_file_blocking(const std::string& path) {
  assert_may_block();
  auto text = make_key_text(path);
  if (!text) return pass(std::move(text).error());
  std::string draft = concat(path, ".XXXXXX");
  const UniqueFd fd(::mkostemp(draft.data(), O_CLOEXEC)); // mode 0600
  if (!fd.is_open()) return unwritable(path, errno);
  ScopeExit remove_draft([&draft] { ::unlink(draft.c_str()); });
  if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 || !write_all(fd.get(), text->reveal()) || ::fsync(fd.get()) != 0)
    return unwritable(path, errno);
  // link(2), unlike rename(2), never replaces: an existing key may be the only one that opens a vault.
  if (::link(draft.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST)
      return fail(ErrorKind::kOperator, "key_file_exists", concat(path, " is there already"),
                  "use it, or choose another path; a vault sealed with it opens with no other key");
    return unwritable(path, errno);
  }
  return sync_parent_directory_blocking(path);
}

} // namespace mailmoor
