#include "store/version.h"

#include <sqlite3.h>

namespace mailmoor::store {

std::string sqlite_version() {
  return sqlite3_libversion();
}

} // namespace mailmoor::store
