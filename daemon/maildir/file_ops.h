// The one port of this room: every file that Mailmoor's mail side touches is touched through here, so that a test can
// put a disk behind it that fills up, fails, or forgets what was not synced.
//
// Every call blocks: pool threads only. Implementations may be used from several threads at once, and so may a
// SyncPoint; one OutputFile from one at a time. Paths are absolute. Nothing follows from a failed call
// except that it failed.
//
// Errors carry the path and one of these codes: exists, not_found, disk_full, quota_exceeded, read_only, permission,
// name_too_long, too_many_files, io_error, file_error.
#pragma once

#include "util/result.h"
#include "util/time_text.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::maildir {

// A file being written. Only a sync makes it durable. One that is destroyed unclosed is of no use any more.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  virtual ~OutputFile() = default;

  // All of `bytes`, or an error after any part of them.
  [[nodiscard]] virtual Status write_blocking(std::string_view bytes) = 0;
  // Access and modification time.
  [[nodiscard]] virtual Status set_mtime_blocking(UnixTime time) = 0;
  // Once, last. Network file systems and FUSE tell only here that what was written did not get through, and may not
  // tell it again to who syncs the file later.
  [[nodiscard]] virtual Status close_blocking() = 0;
};

// One file system, opened before the writes that it shall make durable: write-back errors are reported to descriptors
// that were open when they happened, and once to each (syncfs(2), Linux 5.8). So all who write there share one.
class SyncPoint {
 public:
  SyncPoint() = default;
  SyncPoint(const SyncPoint&) = delete;
  SyncPoint& operator=(const SyncPoint&) = delete;
  virtual ~SyncPoint() = default;

  // Everything written to the file system so far is on stable storage, names included.
  [[nodiscard]] virtual Status sync_blocking() = 0;
  // How many syncs have failed. What was written before one of them may be lost although a later sync succeeds.
  [[nodiscard]] virtual std::uint64_t failures() const noexcept = 0;
};

struct FileStatus {
  bool is_directory = false;
  // Modification time in nanoseconds: of a directory, differs when a name was added, removed or changed in between,
  // as far as the file system's clock tells (4 ms on ext4).
  std::int64_t changed_ns = 0;
  std::uint64_t size = 0; // bytes of a file
};

class FileOps {
 public:
  FileOps() = default;
  FileOps(const FileOps&) = delete;
  FileOps& operator=(const FileOps&) = delete;
  virtual ~FileOps() = default;

  // A new file of mode 0600 whatever the umask; "exists" when the name is taken, by a symbolic link too.
  [[nodiscard]] virtual Result<std::unique_ptr<OutputFile>> create_exclusive_blocking(const std::string& path) = 0;
  // Access and modification time of a file that is there.
  [[nodiscard]] virtual Status set_mtime_blocking(const std::string& path, UnixTime time) = 0;
  // Bytes, size and times of a closed file are on stable storage.
  [[nodiscard]] virtual Status sync_file_blocking(const std::string& path) = 0;
  // The names in the directory are on stable storage.
  [[nodiscard]] virtual Status sync_directory_blocking(const std::string& path) = 0;
  // Null where syncing a whole file system cannot be relied on (FUSE, network file systems, unknown ones). The same
  // object for all who hold one of that file system: hence shared_ptr.
  [[nodiscard]] virtual Result<std::shared_ptr<SyncPoint>> open_sync_point_blocking(const std::string& path) = 0;
  // False, and nothing is changed, when `to` exists. Both on one file system.
  [[nodiscard]] virtual Result<bool> rename_blocking(const std::string& from, const std::string& to) = 0;
  // Mode 0700 whatever the umask. False when a directory (or a link to one) is there already.
  [[nodiscard]] virtual Result<bool> make_directory_blocking(const std::string& path) = 0;
  // Calls `visit` with each name but "." and "..", in no order; the view ends with the call. Names that come or go
  // meanwhile may be missed.
  [[nodiscard]] virtual Status list_blocking(const std::string& path,
                                             const std::function<void(std::string_view)>& visit) = 0;
  // A second name for a regular file, which keeps its bytes, mode and time. False, and nothing is changed, where there
  // can be none: across file systems, on one without hard links or with no more of them for this file, where the kernel
  // forbids it (fs.protected_hardlinks), for a link or a directory. "exists" when `to` is taken.
  [[nodiscard]] virtual Result<bool> link_blocking(const std::string& from, const std::string& to) = 0;
  // Unlinks `surplus` when it and `kept` are two names of one file; leaves it when it is another file. No bytes are
  // lost either way.
  [[nodiscard]] virtual Status drop_second_name_blocking(const std::string& surplus, const std::string& kept) = 0;
  // Removes a directory with all that is in it; follows no link, not even `path` itself. Success when there is none.
  [[nodiscard]] virtual Status remove_tree_blocking(const std::string& path) = 0;
  // Success when there is no such file.
  [[nodiscard]] virtual Status unlink_blocking(const std::string& path) = 0;
  // Calls `visit` with the bytes of a regular file, in order, in pieces of at most 64 KiB; the view ends with the call.
  // Follows no link in the place of the file. What is written to it meanwhile may be missed.
  [[nodiscard]] virtual Status read_blocking(const std::string& path,
                                             const std::function<void(std::string_view)>& visit) = 0;
  // Empty when there is no such file; follows links.
  [[nodiscard]] virtual Result<std::optional<FileStatus>> stat_blocking(const std::string& path) = 0;
};

} // namespace mailmoor::maildir
