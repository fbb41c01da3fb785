// What mailboxes have taken from their servers, in state.db: a column of "mailbox" and the table "received". Blocking.
#pragma once

#include "model/downloads.h"
#include "store/database.h"
#include "util/result.h"

#include <string_view>

namespace mailmoor::store {

[[nodiscard]] Result<Downloads> load_downloads_blocking(Database& database, std::string_view mailbox);
// Takes the place of all that is recorded. The mailbox need not have been saved before.
[[nodiscard]] Status replace_downloads_blocking(Database& database, std::string_view mailbox,
                                                const Downloads& downloads);

} // namespace mailmoor::store
