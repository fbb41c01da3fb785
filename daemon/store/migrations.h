// Brings a database to the schema of this program. The steps are migrations/{tokens,state}/NNNN_name.sql, compiled in
// (embed_migrations.cmake). PRAGMA user_version is the number of the last step done. Forward only.
#pragma once

#include "store/database.h"
#include "util/result.h"

#include <functional>
#include <span>
#include <string_view>

namespace mailmoor::store {

struct Migration {
  int number; // 1, 2, 3 … without holes
  std::string_view name;
  std::string_view sql; // NUL-terminated; no BEGIN or COMMIT
};

[[nodiscard]] std::span<const Migration> token_migrations() noexcept;
[[nodiscard]] std::span<const Migration> state_migrations() noexcept;

// Called before anything is written to a database that exists already; an error ends the opening with all files as
// they were.
using Inspection = std::function<Status(Database&)>;

// Opens, checks the file (quick_check), refuses one that is newer than `migrations` (kOperator "database_too_new"),
// runs `inspect`, and only then does the missing steps, each in a transaction of its own together with its number.
[[nodiscard]] Result<Database> open_migrated_blocking(const DatabaseOptions& options,
                                                      std::span<const Migration> migrations, const Inspection& inspect);

} // namespace mailmoor::store
