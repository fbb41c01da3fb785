// The local side: whether what must be written can be, and how much room there is.
#include "mailbox/examination.h"

#include "util/concat.h"
#include "util/may_block.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using Outcome = CheckResult::Outcome;

constexpr runtime::Duration kDiskPatience = std::chrono::seconds(30);
constexpr std::uint64_t kMiB = 1024UL * 1024;
constexpr std::uint64_t kLittleRoom = 1024 * kMiB; // a few of the largest messages, and the databases' journals
constexpr std::uint64_t kFewFiles = 10'000;        // a message is a file

struct Place {
  std::string looked_at; // the directory, or the nearest one above it that is there
  int error = 0;         // why nothing can be written there
  std::uint64_t free_octets = 0;
  std::uint64_t free_files = 0;
  bool counts_files = false; // some file systems have no fixed number of them
};

// Writes to a file without a name, so that nothing is left behind whatever happens; where the file system has none of
// those, to one that loses its name at once. Asking for the right would not do: root has it everywhere.
[[nodiscard]] int write_error_of(const std::string& directory) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.is_open() && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    std::string path = concat(directory, "/.mailmoor-check-XXXXXX");
    file = UniqueFd(::mkostemp(path.data(), O_CLOEXEC));
    if (file.is_open()) ::unlink(path.c_str());
  }
  if (!file.is_open()) return errno;
  constexpr std::array<char, 4096> kBlock{};
  if (::write(file.get(), kBlock.data(), kBlock.size()) != static_cast<ssize_t>(kBlock.size())) return errno;
  return ::fdatasync(file.get()) == 0 ? 0 : errno;
}

[[nodiscard]] Place look_at_blocking(std::string directory) {
  assert_may_block();
  struct stat info{};
  while (directory.size() > 1 && ::stat(directory.c_str(), &info) != 0 && errno == ENOENT)
    directory.resize(std::max<std::size_t>(directory.rfind('/'), 1));
  Place place;
  place.error = write_error_of(directory);
  struct statvfs room{};
  if (::statvfs(directory.c_str(), &room) == 0) {
    place.free_octets = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
    place.free_files = room.f_favail;
    place.counts_files = room.f_files != 0;
  }
  place.looked_at = std::move(directory);
  return place;
}

// Empty: no answer in time. The job is left to itself then: waiting for its end would stop the loop.
[[nodiscard]] runtime::Task<std::optional<Place>> look_at(const Services& services, std::string directory) {
  const auto place = std::make_shared<Place>();                          // the job and this
  const auto answered = std::make_shared<runtime::Event>(services.loop); // this alone; the job may find it gone
  services.files_pool.run_detached([place, directory, &loop = services.loop, told = std::weak_ptr(answered)] {
    *place = look_at_blocking(directory);
    loop.post([told] {
      if (const auto event = told.lock()) event->set();
    });
  });
  const bool in_time = co_await answered->wait_for(kDiskPatience);
  std::optional<Place> found;
  if (in_time) found = *place;
  co_return found;
}

[[nodiscard]] CheckResult judge(const std::string& directory, const Place& place) {
  CheckResult result;
  const bool exists = place.looked_at == directory;
  const std::string what = exists ? directory : concat(directory, " (to be made in ", place.looked_at, ")");
  if (place.error != 0) {
    result.outcome = Outcome::kFailed;
    result.found = concat(what, " cannot be written: ", errno_text(place.error));
    result.remedy = place.error == ENOSPC || place.error == EDQUOT
                        ? "make room on that file system, or raise the quota"
                        : concat("let mailmoord's user write to ", place.looked_at,
                                 " (under systemd also ReadWritePaths= or StateDirectory=)");
    return result;
  }
  result.found = concat(what, " can be written; ", place.free_octets / kMiB, " MiB free");
  if (place.counts_files) result.found += concat(", ", place.free_files, " more files");
  if (place.free_octets >= kLittleRoom && (!place.counts_files || place.free_files >= kFewFiles)) return result;
  result.outcome = Outcome::kDoubtful;
  result.remedy = "make room on that file system";
  return result;
}

} // namespace

runtime::Task<void> Examination::examine_disk() {
  const std::array<std::pair<const char*, std::string>, 2> places = {
      std::pair<const char*, std::string>("maildir", settings_.maildir),
      std::pair<const char*, std::string>("state_dir", settings_.state_dir)};
  for (const auto& [check, directory] : places) {
    auto looking = look_at(services_, directory);
    const std::optional<Place> place = co_await looking;
    if (!place) {
      tell(check, Outcome::kFailed, concat(directory, ": the file system does not answer within 30 s"),
           "see whether its disk or server is well");
      continue;
    }
    const CheckResult result = judge(directory, *place);
    tell(check, result.outcome, result.found, result.remedy);
  }
  good("key", concat("the master key is ", settings_.key_source));
}

} // namespace mailmoor::mailbox
