// Gmail's labels that no folder stands for, in state.db. For the state repository. Blocking.
#pragma once

#include "store/database.h"
#include "util/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::store {

// Sorted.
[[nodiscard]] Result<std::vector<std::string>> load_gmail_labels_blocking(Database& database, std::string_view mailbox);
// Makes the row of the mailbox where it is missing.
[[nodiscard]] Status replace_gmail_labels_blocking(Database& database, std::string_view mailbox,
                                                   const std::vector<std::string>& labels);

} // namespace mailmoor::store
