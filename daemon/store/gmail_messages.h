// Gmail's numbers of messages, in state.db: table "gmail_message". Blocking; the caller holds a transaction when it
// writes.
#pragma once

#include "model/gmail.h"
#include "model/uid_set.h"
#include "store/database.h"
#include "store/state_repository.h"
#include "util/result.h"

#include <cstdint>
#include <vector>

namespace mailmoor::store {

// Replaces what these UIDs had.
[[nodiscard]] Status save_gmail_blocking(Database& database, std::int64_t folder_id,
                                         const std::vector<GmailMessage>& messages);
// In the other folders of the mailbox, at most StateRepository::kMaxCopies of each message.
[[nodiscard]] Result<std::vector<GmailCopy>> find_gmail_copies_blocking(Database& database, std::int64_t folder_id,
                                                                        const std::vector<GmailMessage>& messages);
// The same of messages that are recorded already, by their UIDs.
[[nodiscard]] Result<std::vector<GmailPair>> load_gmail_pairs_blocking(Database& database, std::int64_t folder_id,
                                                                       const UidSet& uids);
[[nodiscard]] Result<UidSet> load_gmail_uids_blocking(Database& database, std::int64_t folder_id);
[[nodiscard]] Status erase_gmail_blocking(Database& database, std::int64_t folder_id, const UidSet& uids);
// These messages, in whatever folder of the mailbox.
[[nodiscard]] Status erase_gmail_copies_blocking(Database& database, std::int64_t folder_id, const UidSet& uids);

} // namespace mailmoor::store
