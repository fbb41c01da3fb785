// What the filters leave out of a folder, in state.db: table "too_large" and two columns of "folder". Blocking; the
// caller holds a transaction when it writes.
#pragma once

#include "model/left_out.h"
#include "store/database.h"
#include "util/result.h"

#include <cstdint>

namespace mailmoor::store {

// A set that cannot be read is taken for an empty one: its messages are judged anew.
[[nodiscard]] Result<LeftOut> load_left_out_blocking(Database& database, std::int64_t folder_id);
// Takes the place of all that is recorded.
[[nodiscard]] Status replace_left_out_blocking(Database& database, std::int64_t folder_id, const LeftOut& left_out);

} // namespace mailmoor::store
