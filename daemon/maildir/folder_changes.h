// What the server's changes do to the files of a folder: a flag renames one, a deletion moves one into the trash.
//
//   <maildir>/.mailmoor-trash/2026-11-27/INBOX/<name>, …/2026-11-27/.Sent/<name>
//
// Both may be stopped at any step and done again: the second time ends where the first would have. Blocking: pool
// threads only; nobody else may work on the folder meanwhile but readers, who may rename and delete as they like.
#pragma once

#include "maildir/delivery.h"
#include "maildir/file_ops.h"
#include "model/flag_map.h"
#include "model/uid_set.h"
#include "util/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::maildir {

// `done` is as it should be and durable, or has no file. The rest is to be done again; `error` says why, and is set if
// and only if there is a rest.
struct [[nodiscard]] ChangeReport {
  UidSet done;
  std::uint64_t files = 0; // renamed or moved
  std::optional<Error> error;
};

// Merges the flags of `server` into the names (model/flag_letters.h). A message in new/ that gets a flag moves to cur/.
// Letters of readers' own, and all else in a name, stay.
[[nodiscard]] ChangeReport reflag_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                           const FlagMap& server, const FlagMap& base);

struct FileCount {
  UidSet present;         // of the UIDs asked about, those that have a file
  std::uint64_t ours = 0; // files of this UIDVALIDITY in the folder
};
// Zeroes when the folder has no directory.
[[nodiscard]] Result<FileCount> count_files_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                                     const UidSet& uids);

// Moves the files of `uids` into the trash of `today`; durable there before they are missed in the folder.
[[nodiscard]] ChangeReport trash_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                          const UidSet& uids, UnixTime today);

// Removes the days from the trash that are over for kTrashDays. Nothing whose name is not a day is touched. How many.
[[nodiscard]] Result<std::uint64_t> empty_trash_blocking(FileOps& ops, const std::string& mailbox_directory,
                                                         UnixTime now);

inline constexpr std::string_view kTrashName = ".mailmoor-trash";
inline constexpr int kTrashDays = 30;

// "2026-11-27", UTC.
[[nodiscard]] std::string trash_day(UnixTime time);

} // namespace mailmoor::maildir
