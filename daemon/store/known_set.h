// The known set of one folder as rows of `delivered`: the ranges of a UidSet, so they neither overlap nor touch.
// Called inside the caller's transaction. Blocking.
#pragma once

#include "model/uid_set.h"
#include "store/database.h"
#include "util/result.h"

#include <cstdint>

namespace mailmoor::store {

[[nodiscard]] Result<UidSet> load_known_blocking(Database& database, std::int64_t folder_id);
// Merges each range with its neighbours in place: costs by the ranges of `added`, not by those stored.
[[nodiscard]] Status add_known_blocking(Database& database, std::int64_t folder_id, const UidSet& added);
[[nodiscard]] Status remove_known_blocking(Database& database, std::int64_t folder_id, const UidSet& removed);
// Writes only the ranges that differ.
[[nodiscard]] Status replace_known_blocking(Database& database, std::int64_t folder_id, const UidSet& known);

} // namespace mailmoor::store
