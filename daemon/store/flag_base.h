// The base flags of one folder as rows of `flag_base`: the runs of a FlagMap. Called inside the caller's transaction.
// Blocking.
#pragma once

#include "model/flag_map.h"
#include "store/database.h"
#include "util/result.h"

#include <cstdint>

namespace mailmoor::store {

[[nodiscard]] Result<FlagMap> load_flags_blocking(Database& database, std::int64_t folder_id);
// Replaces what these UIDs had; costs by the runs of `set` and those that they touch.
[[nodiscard]] Status set_flags_blocking(Database& database, std::int64_t folder_id, const FlagMap& set);
[[nodiscard]] Status erase_flags_blocking(Database& database, std::int64_t folder_id, const UidSet& uids);

} // namespace mailmoor::store
