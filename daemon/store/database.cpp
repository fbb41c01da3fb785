#include "store/database.h"

#include "store/sqlite_error.h"
#include "util/concat.h"
#include "util/durable.h"
#include "util/may_block.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

namespace mailmoor::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr int kMaxValue = 1 << 20; // bytes of one value; the largest we keep is a token of some KiB

// An exclusive locking mode keeps the WAL index in memory: there is no -shm file to be mapped, and looking at a
// database writes nothing. query_only holds until make_ready_blocking().
constexpr const char* kLookSettings = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;"
                                      "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF;";

// Makes the file when it is missing, and keeps others out of it. SQLite gives its -wal the same mode.
[[nodiscard]] Status prepare_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, S_IRUSR | S_IWUSR));
  struct stat file{};
  if (!fd.is_open() || ::fstat(fd.get(), &file) != 0)
    return pass(sqlite_error(path, SQLITE_CANTOPEN, errno, {}, "open"));
  if (!S_ISREG(file.st_mode)) return pass(sqlite_error(path, SQLITE_CANTOPEN, 0, "not a regular file", "open"));
  if ((file.st_mode & 0777) != 0600 && ::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0)
    return pass(sqlite_error(path, SQLITE_CANTOPEN, errno, {}, "set mode 0600"));
  if (file.st_size == 0) return sync_parent_directory_blocking(path);
  return {};
}

[[nodiscard]] bool exists(const std::string& path) noexcept {
  struct stat file{};
  return ::stat(path.c_str(), &file) == 0;
}

} // namespace

void Database::Close::operator()(sqlite3* handle) const noexcept {
  sqlite3_close_v2(handle);
}

Result<Database> Database::open_untouched_blocking(const DatabaseOptions& options) {
  assert_may_block();
  if (auto prepared = prepare_file(options.path); !prepared) return pass(std::move(prepared).error());
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &raw,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(options, std::unique_ptr<sqlite3, Close>(raw));
  if (raw == nullptr) return pass(sqlite_error(options.path, code, 0, sqlite3_errstr(code), "open"));
  if (code != SQLITE_OK) return pass(sqlite_error(raw, code, "open"));
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMaxValue);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Closing would move a WAL that a crash left into the database: not while we only look.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, exists(options.path + "-wal") ? 1 : 0, nullptr);
  if (auto set = database.run_blocking(kLookSettings); !set) return pass(std::move(set).error());
  return database;
}

Status Database::make_ready_blocking() {
  if (sqlite3_db_readonly(handle_.get(), "main") != 0)
    return pass(sqlite_error(path(), SQLITE_READONLY, 0, "the file is read-only", "write"));
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  auto wal = run_blocking("PRAGMA query_only=OFF; PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=4194304;"
                          "PRAGMA foreign_keys=ON;");
  if (!wal) return wal;
  return run_blocking(concat("PRAGMA synchronous=", options_.durability == Durability::kFull ? "FULL" : "NORMAL",
                             "; PRAGMA secure_delete=", options_.overwrites_deleted ? "ON" : "OFF"));
}

Result<Database> Database::open_blocking(const DatabaseOptions& options) {
  auto database = open_untouched_blocking(options);
  if (!database) return database;
  if (auto ready = database->make_ready_blocking(); !ready) return pass(std::move(ready).error());
  return database;
}

Status Database::run_blocking(const std::string& sql) {
  assert_may_block();
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return pass(sqlite_error(handle_.get(), code, concat("run \"", std::string_view(sql).substr(0, 40), '"')));
}

Result<Statement> Database::prepare_blocking(std::string_view sql) {
  assert_may_block();
  sqlite3_stmt* statement = idle_->take(sql);
  if (statement != nullptr) return Statement(statement, *idle_);
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code == SQLITE_OK) return Statement(statement, *idle_);
  return pass(sqlite_error(handle_.get(), code, concat("prepare \"", sql.substr(0, 40), '"')));
}

Result<std::int64_t> Database::query_number_blocking(std::string_view sql) {
  auto statement = prepare_blocking(sql);
  if (!statement) return pass(std::move(statement).error());
  const auto row = statement->step_blocking();
  if (!row) return pass(row.error());
  return *row ? statement->number(0) : 0;
}

Status Database::check_blocking() {
  auto statement = prepare_blocking("PRAGMA quick_check(1)");
  if (!statement) return pass(std::move(statement).error());
  const auto row = statement->step_blocking();
  if (!row) return pass(row.error());
  if (*row && statement->bytes(0) == "ok") return {};
  return pass(sqlite_error(path(), SQLITE_CORRUPT, 0, statement->bytes(0), "trust its content"));
}

Status Database::checkpoint_blocking() {
  return run_blocking("PRAGMA wal_checkpoint(TRUNCATE)");
}

} // namespace mailmoor::store
