// The one place where a SQLite code becomes an Error.
#pragma once

#include "util/result.h"

#include <string_view>

struct sqlite3;

namespace mailmoor::store {

// For `code`, which a call on `database` has just returned. `doing` says what was tried. Codes and kinds: database.h.
[[nodiscard]] Error sqlite_error(sqlite3* database, int code, std::string_view doing);
// The same where no connection exists. `path` is the file; `system_error` is an errno value or 0.
[[nodiscard]] Error sqlite_error(std::string_view path, int code, int system_error, std::string_view detail,
                                 std::string_view doing);
[[nodiscard]] bool is_corruption(const Error& error) noexcept;

} // namespace mailmoor::store
