// Brings deletions of the server to the Maildir, where `deletions: mirror` asks for it: into the trash, and never many
// at once without the operator's word. Loop thread; the pool does what blocks.
#pragma once

#include "mailbox/folder_record.h"
#include "mailbox/services.h"
#include "model/uid_set.h"
#include "runtime/task.h"

#include <optional>
#include <string>

namespace mailmoor::mailbox {

struct GoneMessages {
  UidSet uids;          // known, and not on the server any more
  UidSet confirmed;     // of these, those that may go in any number
  bool in_bulk = false; // they need a word however few they are: their folder is gone, too
};

struct Removal {
  UidSet removed;             // moved to the trash and durable there, or without a file
  UidSet held;                // wait for the operator's word
  std::optional<Error> error; // why the rest is neither
};

// Changes files only; recording is the caller's. Tells the log when what is held is not what was held before.
[[nodiscard]] runtime::Task<Removal> remove_gone(const Services& services, const std::string& mailbox,
                                                 const Folder& folder, GoneMessages gone);

// A folder that the server does not list any more, and whose messages are held or confirmed: without a connection.
[[nodiscard]] runtime::Task<Status> remove_vanished_folder(const Services& services, const std::string& mailbox,
                                                           Folder& folder);

} // namespace mailmoor::mailbox
