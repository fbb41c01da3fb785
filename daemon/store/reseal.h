// Seals every value of the token vault anew. Store thread; blocking.
#pragma once

#include "store/database.h"
#include "store/sealer.h"
#include "util/result.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace mailmoor::store {

// Where sealed values are: every BLOB column of tokens.db (a test holds this against the schema).
struct SealedColumn {
  std::string_view table;
  std::string_view row; // the primary key's column
  std::string_view column;
};
[[nodiscard]] std::span<const SealedColumn> sealed_columns() noexcept;

struct Resealed {
  std::size_t values = 0;
  std::size_t unreadable = 0; // damaged before: left as they are
};

// In one transaction: after an error everything is as before. The WAL is emptied, so that no value sealed by `old` is
// left in the files.
[[nodiscard]] Result<Resealed> reseal_blocking(Database& database, const Sealer& old, const Sealer& fresh);

} // namespace mailmoor::store
