#include "maildir/folder_move.h"

#include "maildir/folder_tree.h"
#include "maildir/message_files.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::maildir {
namespace {

[[nodiscard]] std::string above(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

[[nodiscard]] Result<bool> is_there_blocking(FileOps& ops, const std::string& path) {
  const auto status = ops.stat_blocking(path);
  if (!status) return pass(status.error());
  return status->has_value();
}

} // namespace

Result<UidSet> present_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity, const UidSet& uids) {
  const auto there = is_there_blocking(ops, absolute_directory(place) + "/cur");
  if (!there) return pass(there.error());
  UidSet present;
  if (!*there) return present;
  const auto found = find_files_blocking(ops, absolute_directory(place), validity, uids);
  if (!found) return pass(found.error());
  for (const MessageFile& file : found->files)
    present.insert(file.uid);
  return present;
}

Result<std::vector<Stranger>> read_messages_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                                     const UidSet& uids) {
  const auto found = find_files_blocking(ops, absolute_directory(place), validity, uids);
  if (!found) return pass(found.error());
  std::vector<Stranger> messages;
  for (const MessageFile& file : found->files)
    if (messages.empty() || messages.back().uid != file.uid)
      messages.push_back({file.name, file.in_new, validity, file.uid, parse_file_name(file.name)->internal_date});
  if (Status read = read_strangers_blocking(ops, place, messages); !read) return pass(std::move(read).error());
  return messages;
}

Result<FolderMove> move_folder_blocking(FileOps& ops, const FolderPlace& from, const FolderPlace& to) {
  const std::string old_path = absolute_directory(from);
  const std::string new_path = absolute_directory(to);
  const auto is_old_there = is_there_blocking(ops, old_path);
  if (!is_old_there) return pass(is_old_there.error());
  const auto is_new_there = is_there_blocking(ops, new_path);
  if (!is_new_there) return pass(is_new_there.error());
  if (*is_old_there == *is_new_there) return FolderMove::kInTheWay;
  if (*is_old_there) {
    if (Status made = make_path_blocking(ops, above(new_path)); !made) return pass(std::move(made).error());
    const auto moved = ops.rename_blocking(old_path, new_path);
    if (!moved) return pass(moved.error());
    if (!*moved) return FolderMove::kInTheWay;
  }
  if (Status written = write_name_blocking(ops, to); !written) return pass(std::move(written).error());
  // The new name first: a directory is found under two names rather than under none.
  for (const std::string& parent : {above(new_path), above(old_path)})
    if (Status synced = ops.sync_directory_blocking(parent); !synced && synced.error().code != "not_found")
      return pass(std::move(synced).error());
  return FolderMove::kDone;
}

} // namespace mailmoor::maildir
