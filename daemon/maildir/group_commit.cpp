#include "maildir/group_commit.h"

#include "maildir/folder_tree.h"
#include "util/concat.h"

#include <algorithm>
#include <set>
#include <utility>

namespace mailmoor::maildir {
namespace {

// Up to here each file is synced by itself. Above, one syncfs is cheaper: measured on ext4, 6 KB messages, renames and
// directory included, 1.9 ms against 0.8 ms for 8 messages, 20 ms against 4 ms for 100. Below, a syncfs could wait
// longer for other programs' unwritten data than fsync takes.
constexpr std::size_t kSyncEachUpTo = 8;

} // namespace

std::vector<CommitReport> GroupCommit::advance_blocking(std::vector<FolderBatch> group) {
  std::vector<Renamed> next(group.size());
  std::vector<UidSet> repeated(group.size());
  const auto fail_batch = [&](std::size_t i, Error error) {
    next[i].report.error = std::move(error);
    group[i].messages.clear();
  };
  std::size_t messages = 0;
  bool is_new_folder = false;
  std::shared_ptr<SyncPoint> sync_point;
  for (std::size_t i = 0; i < group.size(); ++i) {
    auto prepared = group[i].folder->prepare_blocking(group[i].messages);
    if (!prepared)
      fail_batch(i, std::move(prepared).error());
    else
      repeated[i] = *std::move(prepared);
    messages += group[i].messages.size();
    is_new_folder = is_new_folder || (!group[i].messages.empty() && !group[i].folder->is_durable());
    sync_point = group[i].folder->sync_point_;
  }

  // The sync of a file makes no directory above it durable.
  const bool by_file_system = sync_point != nullptr && (messages > kSyncEachUpTo || is_new_folder);
  std::vector<CommitReport> reports;
  if (by_file_system) {
    const Status synced = sync_point->sync_blocking();
    reports = take_reports(synced);
    for (std::size_t i = 0; i < group.size() && !synced; ++i)
      if (!next[i].report.error) fail_batch(i, synced.error());
  } else {
    reports = settle_blocking();
  }
  sync_point_ = std::move(sync_point);

  for (std::size_t i = 0; i < group.size(); ++i) {
    if (next[i].report.error) continue;
    if (Status durable = make_durable_blocking(group[i], by_file_system); !durable) {
      fail_batch(i, std::move(durable).error());
      continue;
    }
    FolderDelivery::Placed placed = group[i].folder->place_blocking(group[i].messages);
    const std::string& directory = group[i].folder->directory();
    // A repeated message may be of a run that was killed before its sync.
    if (placed.in_new || !repeated[i].empty()) next[i].directories.push_back(directory + "/new");
    if (placed.in_cur || !repeated[i].empty()) next[i].directories.push_back(directory + "/cur");
    placed.uids.insert(repeated[i]);
    next[i].report = {std::move(placed.uids), std::move(placed.error)};
  }
  renamed_ = std::move(next);
  return reports;
}

Status GroupCommit::make_durable_blocking(const FolderBatch& batch, bool by_file_system) {
  for (const StagedMessage& message : batch.messages) {
    if (sync_point_ != nullptr && message.failures_ != sync_point_->failures())
      return fail(ErrorKind::kMailbox, "io_error",
                  concat("a sync of the file system failed while ", message.path_, " was written"),
                  "check the disk; the kernel log says more");
    if (by_file_system) continue;
    if (Status synced = ops_.sync_file_blocking(message.path_); !synced) return synced;
  }
  if (batch.messages.empty() || batch.folder->is_durable()) return {};
  Status synced = by_file_system ? Status() : sync_tree_blocking(ops_, batch.folder->directory());
  if (synced) batch.folder->is_durable_ = true;
  return synced;
}

std::vector<CommitReport> GroupCommit::take_reports(const Status& names_are_durable) {
  std::vector<CommitReport> reports;
  for (Renamed& batch : std::exchange(renamed_, {})) {
    if (!names_are_durable && !batch.directories.empty()) batch.report = {{}, names_are_durable.error()};
    reports.push_back(std::move(batch.report));
  }
  return reports;
}

std::vector<CommitReport> GroupCommit::settle_blocking() {
  // Not held any longer: it would keep the file system from being unmounted.
  const std::shared_ptr<SyncPoint> sync_point = std::exchange(sync_point_, nullptr);
  std::set<std::string> directories;
  for (const Renamed& batch : renamed_)
    directories.insert(batch.directories.begin(), batch.directories.end());
  if (sync_point != nullptr && directories.size() > kSyncEachUpTo) return take_reports(sync_point->sync_blocking());
  for (const std::string& directory : directories) {
    const Status synced = ops_.sync_directory_blocking(directory);
    if (synced) continue;
    for (Renamed& batch : renamed_)
      if (std::ranges::find(batch.directories, directory) != batch.directories.end())
        batch.report = {{}, synced.error()};
  }
  return take_reports({});
}

} // namespace mailmoor::maildir
