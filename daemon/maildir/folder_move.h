// Gives the directory of a folder another name, after the server has renamed the folder. Blocking: pool threads only;
// nobody else may work on either folder meanwhile but readers.
#pragma once

#include "maildir/delivery.h"
#include "maildir/file_ops.h"
#include "maildir/relink.h"
#include "model/uid_set.h"
#include "util/result.h"

#include <vector>

namespace mailmoor::maildir {

// Which of these UIDs have a file in the folder. Empty when it has no directory.
[[nodiscard]] Result<UidSet> present_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                              const UidSet& uids);
// Their files, read (Stranger::is_read); a user's copies are left out.
[[nodiscard]] Result<std::vector<Stranger>> read_messages_blocking(FileOps& ops, const FolderPlace& place,
                                                                   UidValidity validity, const UidSet& uids);

enum class FolderMove {
  kDone,     // durable; also when an earlier run had done it
  kInTheWay, // a directory has the new name already: nothing was changed
};
// With all that is in it: in Layout::kFs the folders below it go along. May be stopped at any step and done again.
[[nodiscard]] Result<FolderMove> move_folder_blocking(FileOps& ops, const FolderPlace& from, const FolderPlace& to);

} // namespace mailmoor::maildir
