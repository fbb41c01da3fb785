#include "maildir/posix_file_ops.h"

#include "util/concat.h"
#include "util/scope_exit.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

namespace mailmoor::maildir {
namespace {

[[nodiscard]] std::unexpected<Error> file_failure(int error, std::string_view verb, const std::string& path) {
  std::string what = concat("cannot ", verb, ' ', path, ": ", errno_text(error));
  switch (error) {
  case ENOSPC:
    return fail(ErrorKind::kMailbox, "disk_full", std::move(what), "free some space; delivery goes on by itself");
  case EDQUOT:
    return fail(ErrorKind::kMailbox, "quota_exceeded", std::move(what), "raise the disk quota of the daemon's user");
  case EROFS:
    return fail(ErrorKind::kMailbox, "read_only", std::move(what),
                "mount the file system writable, or add the path to ReadWritePaths= of the unit");
  case EACCES:
  case EPERM: return fail(ErrorKind::kMailbox, "permission", std::move(what), "let the daemon's user own the Maildir");
  case ENAMETOOLONG: return fail(ErrorKind::kFolder, "name_too_long", std::move(what), "choose a shorter maildir_root");
  case EMFILE:
  case ENFILE: return fail(ErrorKind::kMailbox, "too_many_files", std::move(what), "raise LimitNOFILE= of the unit");
  case ESTALE:
  case ETIMEDOUT:
  case EREMOTEIO:
  case EHOSTDOWN:
  case EHOSTUNREACH:
    return fail(ErrorKind::kMailbox, "file_error", std::move(what),
                "look after the file server and the network to it; delivery goes on by itself");
  case EIO: return fail(ErrorKind::kMailbox, "io_error", std::move(what), "check the disk; the kernel log says more");
  case EEXIST: return fail(ErrorKind::kFolder, "exists", std::move(what));
  case ENOENT:
  case ENOTDIR: return fail(ErrorKind::kFolder, "not_found", std::move(what));
  default: return fail(ErrorKind::kMailbox, "file_error", std::move(what));
  }
}

// Repeats `call` while a signal interrupts it; its result, -1 with errno set on failure.
template<class Call>
[[nodiscard]] auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

[[nodiscard]] Result<UniqueFd> open_for_reading(const std::string& path, int flags) {
  UniqueFd fd(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags); }));
  if (!fd.is_open()) return file_failure(errno, "open", path);
  return fd;
}

[[nodiscard]] std::array<timespec, 2> both_times(UnixTime time) {
  const timespec spec{static_cast<time_t>(time.time_since_epoch().count()), 0};
  return {spec, spec};
}

class PosixOutputFile final : public OutputFile {
 public:
  PosixOutputFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status write_blocking(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = uninterrupted([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
      if (written <= 0) return file_failure(written < 0 ? errno : EIO, "write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Status set_mtime_blocking(UnixTime time) override {
    const auto times = both_times(time);
    if (::futimens(fd_.get(), times.data()) != 0) return file_failure(errno, "set the time of", path_);
    return {};
  }

  // Not again after EINTR: the descriptor is gone, and whether the bytes got through is not known.
  Status close_blocking() override {
    if (::close(fd_.release()) != 0) return file_failure(errno, "finish writing", path_);
    return {};
  }

 private:
  UniqueFd fd_;
  std::string path_;
};

class PosixSyncPoint final : public SyncPoint {
 public:
  PosixSyncPoint(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status sync_blocking() override {
    // One at a time: an error goes to one caller, the next one must find it counted.
    const std::scoped_lock lock(mutex_);
    if (uninterrupted([&] { return ::syncfs(fd_.get()); }) == 0) return {};
    ++failures_;
    return file_failure(errno, "sync the file system of", path_);
  }
  [[nodiscard]] std::uint64_t failures() const noexcept override { return failures_; }

 private:
  UniqueFd fd_;
  std::string path_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> failures_ = 0;
};

// File systems of the kernel itself whose syncfs(2) waits for data and names (linux/magic.h).
[[nodiscard]] bool has_reliable_syncfs(int fd) {
  struct statfs about{};
  if (::fstatfs(fd, &about) != 0) return false;
  constexpr std::array<std::uint32_t, 6> kReliable = {
      0x0000EF53, // ext2, ext3, ext4
      0x58465342, // xfs
      0x9123683E, // btrfs
      0xF2F52010, // f2fs
      0x01021994, // tmpfs
      0x794C7630, // overlayfs
  };
  return std::ranges::find(kReliable, static_cast<std::uint32_t>(about.f_type)) != kReliable.end();
}

// Whether the last parts of the paths are the same and stand in the same directory.
[[nodiscard]] Result<bool> is_one_name(const std::string& one, const std::string& other) {
  const std::size_t slash = one.rfind('/');
  const std::size_t other_slash = other.rfind('/');
  if (one.substr(slash + 1) != other.substr(other_slash + 1)) return false;
  struct stat parent{};
  struct stat other_parent{};
  if (::stat(one.substr(0, slash + 1).c_str(), &parent) != 0) return file_failure(errno, "look at", one);
  if (::stat(other.substr(0, other_slash + 1).c_str(), &other_parent) != 0)
    return file_failure(errno, "look at", other);
  return parent.st_dev == other_parent.st_dev && parent.st_ino == other_parent.st_ino;
}

// Whether link(2), which says that `to` exists, has made it: NFS asks again where the answer was lost. `before`: of
// `from`, when there was one name less. Leaves errno at EEXIST.
[[nodiscard]] bool is_made_already(const struct stat& before, const std::string& from, const std::string& to) {
  struct stat one{};
  struct stat other{};
  const bool are_there = ::lstat(from.c_str(), &one) == 0 && ::lstat(to.c_str(), &other) == 0;
  errno = EEXIST;
  return are_there && one.st_nlink == before.st_nlink + 1 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// As promised by FileOps; larger pieces gain nothing.
constexpr std::size_t kReadSize = 64UL * 1024;

// Deeper than any folder that a server could have named.
constexpr int kMaxTreeDepth = 128;

[[nodiscard]] Status remove_below(int parent, const char* name, const std::string& path, int depth);

[[nodiscard]] Status remove_entry(int parent, const dirent& entry, const std::string& path, int depth) {
  const char* const name = static_cast<const char*>(entry.d_name);
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return file_failure(errno, "remove", concat(path, '/', name));
  return remove_below(parent, name, concat(path, '/', name), depth + 1);
}

// Nothing is opened by a path, so that nobody can put a link in the way meanwhile.
[[nodiscard]] Status remove_below(int parent, const char* name, const std::string& path, int depth) {
  if (depth > kMaxTreeDepth) return file_failure(ELOOP, "remove", path);
  UniqueFd fd(uninterrupted([&] { return ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!fd.is_open() && errno == ENOENT) return {};
  if (!fd.is_open()) return file_failure(errno, "open", path);
  const int descriptor = fd.get();
  DIR* directory = ::fdopendir(descriptor);
  if (directory == nullptr) return file_failure(errno, "list", path);
  static_cast<void>(fd.release()); // the stream's now
  const ScopeExit close([directory] { ::closedir(directory); });
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory); // NOLINT(concurrency-mt-unsafe): this stream has one user
    if (entry == nullptr && errno != 0) return file_failure(errno, "list", path);
    if (entry == nullptr) break;
    const std::string_view child = static_cast<const char*>(entry->d_name);
    if (child == "." || child == "..") continue;
    if (Status removed = remove_entry(descriptor, *entry, path, depth); !removed) return removed;
  }
  if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return file_failure(errno, "remove", path);
  return {};
}

} // namespace

Result<std::unique_ptr<OutputFile>> PosixFileOps::create_exclusive_blocking(const std::string& path) {
  constexpr mode_t kMode = 0600;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(uninterrupted([&] { return ::open(path.c_str(), kFlags, kMode); }));
  if (!fd.is_open()) return file_failure(errno, "create", path);
  // The umask may have taken bits away, and a file system may set what it likes. Setting what is set already would
  // write the inode once more.
  struct stat about{};
  if ((::fstat(fd.get(), &about) != 0 || (about.st_mode & 07777) != kMode) && ::fchmod(fd.get(), kMode) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return file_failure(error, "set the mode of", path);
  }
  return std::make_unique<PosixOutputFile>(std::move(fd), path);
}

Status PosixFileOps::set_mtime_blocking(const std::string& path, UnixTime time) {
  const auto times = both_times(time);
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return file_failure(errno, "set the time of", path);
  return {};
}

Status PosixFileOps::sync_file_blocking(const std::string& path) {
  // fsync, not fdatasync: the modification time must stay too. For a new file both cost the same journal commit.
  // A descriptor opened after a write-back error still reports it when no other did (errseq_t, Linux 4.16).
  auto fd = open_for_reading(path, O_NOFOLLOW);
  if (!fd) return pass(std::move(fd).error());
  if (uninterrupted([&] { return ::fsync(fd->get()); }) != 0) return file_failure(errno, "sync", path);
  return {};
}

Status PosixFileOps::sync_directory_blocking(const std::string& path) {
  auto fd = open_for_reading(path, O_DIRECTORY);
  if (!fd) return pass(std::move(fd).error());
  // EINVAL: the file system has no such operation (CIFS), its server keeps names by itself.
  if (uninterrupted([&] { return ::fsync(fd->get()); }) != 0 && errno != EINVAL)
    return file_failure(errno, "sync", path);
  return {};
}

Result<std::shared_ptr<SyncPoint>> PosixFileOps::open_sync_point_blocking(const std::string& path) {
  auto fd = open_for_reading(path, O_DIRECTORY);
  if (!fd) return pass(std::move(fd).error());
  if (!has_reliable_syncfs(fd->get())) return nullptr;
  struct stat about{};
  if (::fstat(fd->get(), &about) != 0) return file_failure(errno, "look at", path);
  const std::scoped_lock lock(mutex_);
  std::weak_ptr<SyncPoint>& known = sync_points_[about.st_dev];
  std::shared_ptr<SyncPoint> point = known.lock();
  if (point == nullptr) known = point = std::make_shared<PosixSyncPoint>(*std::move(fd), path);
  return point;
}

Result<bool> PosixFileOps::rename_blocking(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  if (errno != EINVAL && errno != ENOSYS) return file_failure(errno, "rename to", to);
  // No such flag here (NFS, older ZFS). Nobody else makes our names, so looking first is as good.
  struct stat about{};
  if (::lstat(to.c_str(), &about) == 0) return false;
  if (::rename(from.c_str(), to.c_str()) == 0) return true;
  const int error = errno;
  // NFS asks again where the answer was lost, and is told that there is no such name any more: it has the new one.
  if (error == ENOENT && ::lstat(to.c_str(), &about) == 0) return true;
  return file_failure(error, "rename to", to);
}

Result<bool> PosixFileOps::make_directory_blocking(const std::string& path) {
  constexpr mode_t kMode = 0700;
  const bool made = ::mkdir(path.c_str(), kMode) == 0;
  if (!made && errno != EEXIST) return file_failure(errno, "create", path);
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return file_failure(errno, "look at", path);
  if (!S_ISDIR(about.st_mode)) return file_failure(EEXIST, "create directory", path);
  // The umask may have taken bits away; a set-group-ID bit from the parent stays.
  if (made && (about.st_mode & kMode) != kMode && ::chmod(path.c_str(), (about.st_mode & 07777) | kMode) != 0)
    return file_failure(errno, "set the mode of", path);
  return made;
}

Status PosixFileOps::list_blocking(const std::string& path, const std::function<void(std::string_view)>& visit) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return file_failure(errno, "list", path);
  const ScopeExit close([directory] { ::closedir(directory); });
  for (;;) {
    errno = 0;                                  // what tells an error from the end
    const dirent* entry = ::readdir(directory); // NOLINT(concurrency-mt-unsafe): this stream has one user
    if (entry == nullptr && errno != 0) return file_failure(errno, "list", path);
    if (entry == nullptr) return {};
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") visit(name);
  }
}

// link(2) makes a name for a symbolic link itself, which would lead out of the Maildir or to nothing.
Result<bool> PosixFileOps::link_blocking(const std::string& from, const std::string& to) {
  struct stat about{};
  if (::lstat(from.c_str(), &about) != 0) return file_failure(errno, "look at", from);
  if (!S_ISREG(about.st_mode)) return false;
  if (::link(from.c_str(), to.c_str()) != 0 && !(errno == EEXIST && is_made_already(about, from, to))) {
    constexpr std::array kImpossible = {EXDEV, EMLINK, EPERM, EACCES, EOPNOTSUPP, ENOSYS, ELOOP};
    if (std::ranges::find(kImpossible, errno) != kImpossible.end()) return false;
    return file_failure(errno, errno == EEXIST ? "make" : "link", errno == EEXIST ? to : from);
  }
  // It may have been replaced since we looked.
  if (::lstat(to.c_str(), &about) == 0 && S_ISREG(about.st_mode)) return true;
  if (Status dropped = unlink_blocking(to); !dropped) return pass(std::move(dropped).error());
  return false;
}

Status PosixFileOps::drop_second_name_blocking(const std::string& surplus, const std::string& kept) {
  struct stat one{};
  struct stat other{};
  if (::lstat(surplus.c_str(), &one) != 0 || ::lstat(kept.c_str(), &other) != 0) {
    if (errno == ENOENT) return {};
    return file_failure(errno, "look at", surplus);
  }
  if (one.st_dev != other.st_dev || one.st_ino != other.st_ino || one.st_nlink < 2) return {};
  // Both paths may lead to the same name, through a link to a directory.
  const auto same = is_one_name(surplus, kept);
  if (!same) return pass(same.error());
  return *same ? Status() : unlink_blocking(surplus);
}

Status PosixFileOps::remove_tree_blocking(const std::string& path) {
  return remove_below(AT_FDCWD, path.c_str(), path, 0);
}

Status PosixFileOps::unlink_blocking(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_failure(errno, "remove", path);
  return {};
}

Status PosixFileOps::read_blocking(const std::string& path, const std::function<void(std::string_view)>& visit) {
  // Not waiting for the writer of a pipe that somebody put here.
  auto fd = open_for_reading(path, O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return pass(std::move(fd).error());
  struct stat about{};
  if (::fstat(fd->get(), &about) != 0) return file_failure(errno, "look at", path);
  if (!S_ISREG(about.st_mode)) return file_failure(EINVAL, "read (it is no regular file)", path);
  std::vector<char> buffer(kReadSize);
  for (;;) {
    const ssize_t count = uninterrupted([&] { return ::read(fd->get(), buffer.data(), buffer.size()); });
    if (count < 0) return file_failure(errno, "read", path);
    if (count == 0) return {};
    visit({buffer.data(), static_cast<std::size_t>(count)});
  }
}

Result<std::optional<FileStatus>> PosixFileOps::stat_blocking(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return file_failure(errno, "look at", path);
  }
  return FileStatus{S_ISDIR(about.st_mode), std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec,
                    static_cast<std::uint64_t>(about.st_size)};
}

} // namespace mailmoor::maildir
