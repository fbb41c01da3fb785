// The rows of state.db as values, for the state repository. Blocking.
#pragma once

#include "model/folder_name.h"
#include "store/database.h"
#include "store/state_repository.h"
#include "store/unix_seconds.h"
#include "util/result.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mailmoor::store {

// At most StateRepository::kMaxText bytes, no UTF-8 sequence cut in two.
[[nodiscard]] std::string_view cut_text(std::string_view text) noexcept;

// A folder of a mailbox, as the other tables refer to it.
struct FolderRow {
  std::int64_t folder_id = 0;
  std::optional<UidValidity> uid_validity;
  std::optional<UnixTime> listed_in_full;
};

[[nodiscard]] Result<std::optional<FolderRow>> find_folder_blocking(Database& database, std::string_view mailbox,
                                                                    const FolderName& folder);
// Makes the row of the mailbox when it is missing.
[[nodiscard]] Status ensure_mailbox_blocking(Database& database, std::string_view mailbox);
// Makes the rows of mailbox and folder when they are missing. kFolder "folder_name_too_long".
[[nodiscard]] Result<FolderRow> ensure_folder_blocking(Database& database, std::string_view mailbox,
                                                       const FolderName& folder);
// In the order of their names, with known sets and retries.
[[nodiscard]] Result<std::vector<StoredFolder>> load_folders_blocking(Database& database, std::string_view mailbox);

} // namespace mailmoor::store
