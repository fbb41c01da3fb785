#include "store/sqlite_error.h"

#include "util/concat.h"

#include <cerrno>
#include <sqlite3.h>

namespace mailmoor::store {
namespace {

// What a full disk, a quota and a file size limit look like where SQLite says only "I/O error".
[[nodiscard]] bool means_no_space(int system_error) noexcept {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

// The errno of the file operation that failed. SQLite does not carry it to the connection when a COMMIT fails, but the
// file it wrote to, the WAL, knows.
[[nodiscard]] int last_system_error(sqlite3* database) noexcept {
  if (const int known = sqlite3_system_errno(database); known != 0) return known;
  sqlite3_file* wal = nullptr;
  int cause = 0;
  if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK && wal != nullptr &&
      wal->pMethods != nullptr)
    wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &cause);
  return cause;
}

} // namespace

Error sqlite_error(std::string_view path, int code, int system_error, std::string_view detail, std::string_view doing) {
  const int primary = code & 0xFF;
  const bool is_system_fault = (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && system_error != 0;
  const std::string cause = is_system_fault ? errno_text(system_error) : std::string(detail);
  std::string what = concat(path, ": cannot ", doing, ": ", cause, " (SQLite code ", code, ')');
  const auto for_operator = [&what](std::string error_code, std::string remedy) {
    return Error(ErrorKind::kOperator, std::move(error_code), std::move(what), std::move(remedy));
  };
  if (primary == SQLITE_FULL || (is_system_fault && means_no_space(system_error)))
    return for_operator("disk_full", concat("free space on the file system of ", path));
  switch (primary) {
  case SQLITE_READONLY:
    return for_operator("database_read_only", concat("let the user that mailmoord runs as write ", path,
                                                     " and its directory; see that its file system is not read-only"));
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return for_operator("database_corrupt", concat("restore ", path, " from a backup, or move it away to start anew"));
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return for_operator("database_busy", concat("end the program that holds it: fuser -v ", path));
  case SQLITE_CANTOPEN:
  case SQLITE_PERM:
    return for_operator("database_unopenable",
                        concat("let the user that mailmoord runs as own ", path, " and its directory"));
  case SQLITE_IOERR: return for_operator("database_io_error", "check the disk and its file system (dmesg)");
  default: return {ErrorKind::kBug, "database_error", std::move(what)};
  }
}

Error sqlite_error(sqlite3* database, int code, std::string_view doing) {
  const char* path = sqlite3_db_filename(database, "main");
  return sqlite_error(path == nullptr ? "" : path, code, last_system_error(database), sqlite3_errmsg(database), doing);
}

bool is_corruption(const Error& error) noexcept {
  return error.code == "database_corrupt";
}

} // namespace mailmoor::store
