// Which SQLite keeps the databases, for `mailmoorctl version`.
#pragma once

#include <string>

namespace mailmoor::store {

[[nodiscard]] std::string sqlite_version();

} // namespace mailmoor::store
