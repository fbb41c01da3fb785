// What is recorded when messages that were delivered once are to be fetched again. Pure.
#pragma once

#include "model/uid_set.h"
#include "sync/folder_pass.h"
#include "sync/planner.h"
#include "util/time_text.h"

namespace mailmoor::sync {

// After these facts the next pass lists the folder from the lowest of `uids` on and fetches what is not known any more;
// those of them that the server did not give so far are due at once. REQUIRES: recorded.validity.
[[nodiscard]] FolderFacts fetch_again(const RecordedFolder& recorded, const UidSet& uids, UnixTime now);

} // namespace mailmoor::sync
