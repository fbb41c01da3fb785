// FileOps on the real file system. One object serves the whole process, any thread.
#pragma once

#include "maildir/file_ops.h"

#include <map>
#include <mutex>
#include <sys/types.h>

namespace mailmoor::maildir {

class PosixFileOps final : public FileOps {
 public:
  [[nodiscard]] Result<std::unique_ptr<OutputFile>> create_exclusive_blocking(const std::string& path) override;
  [[nodiscard]] Status set_mtime_blocking(const std::string& path, UnixTime time) override;
  [[nodiscard]] Status sync_file_blocking(const std::string& path) override;
  [[nodiscard]] Status sync_directory_blocking(const std::string& path) override;
  [[nodiscard]] Result<std::shared_ptr<SyncPoint>> open_sync_point_blocking(const std::string& path) override;
  [[nodiscard]] Result<bool> rename_blocking(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<bool> make_directory_blocking(const std::string& path) override;
  [[nodiscard]] Status list_blocking(const std::string& path,
                                     const std::function<void(std::string_view)>& visit) override;
  [[nodiscard]] Result<bool> link_blocking(const std::string& from, const std::string& to) override;
  [[nodiscard]] Status drop_second_name_blocking(const std::string& surplus, const std::string& kept) override;
  [[nodiscard]] Status remove_tree_blocking(const std::string& path) override;
  [[nodiscard]] Status unlink_blocking(const std::string& path) override;
  [[nodiscard]] Status read_blocking(const std::string& path,
                                     const std::function<void(std::string_view)>& visit) override;
  [[nodiscard]] Result<std::optional<FileStatus>> stat_blocking(const std::string& path) override;

 private:
  std::mutex mutex_;
  // By device. Weak: a file system that nobody delivers to can be unmounted. Guarded by mutex_.
  std::map<dev_t, std::weak_ptr<SyncPoint>> sync_points_;
};

} // namespace mailmoor::maildir
