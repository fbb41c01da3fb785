// One SQLite database file, RAII. One connection, which locks the file against other processes while it lives.
// One thread; blocking. Every SQLite code becomes an Error in one place (sqlite_error.h), with the path.
#pragma once

#include "store/statement.h"
#include "util/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;

namespace mailmoor::store {

enum class Durability {
  kFull,   // a commit is on stable storage when it returns (synchronous=FULL)
  kNormal, // the last commits may be missing after a power cut; never torn (synchronous=NORMAL)
};

struct DatabaseOptions {
  std::string path;
  Durability durability = Durability::kFull;
  bool overwrites_deleted = true; // secure_delete: erased rows are zeroed in the file
};

// Errors of everything here, all kOperator but the last: disk_full, database_read_only, database_corrupt,
// database_busy, database_unopenable, database_io_error; kBug "database_error".
class Database final {
 public:
  // Opens for looking only: nothing is written, and closing leaves all files as they were, a WAL left by a crash
  // included, until make_ready_blocking(). A missing file is made, empty, mode 0600.
  [[nodiscard]] static Result<Database> open_untouched_blocking(const DatabaseOptions& options);
  // WAL, foreign keys, durability: from here on the database may be written.
  [[nodiscard]] Status make_ready_blocking();
  // Both at once.
  [[nodiscard]] static Result<Database> open_blocking(const DatabaseOptions& options);

  // Runs SQL without parameters and results, several statements allowed.
  [[nodiscard]] Status run_blocking(const std::string& sql);
  [[nodiscard]] Result<Statement> prepare_blocking(std::string_view sql);
  // The number in the first column of the first row.
  [[nodiscard]] Result<std::int64_t> query_number_blocking(std::string_view sql);
  // database_corrupt when the file does not hold together (PRAGMA quick_check).
  [[nodiscard]] Status check_blocking();
  // Moves the WAL into the database and empties it.
  [[nodiscard]] Status checkpoint_blocking();

  [[nodiscard]] const std::string& path() const noexcept { return options_.path; }
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  Database(DatabaseOptions options, std::unique_ptr<sqlite3, Close> handle)
      : options_(std::move(options)), handle_(std::move(handle)) {}

  DatabaseOptions options_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unique_ptr<IdleStatements> idle_ = std::make_unique<IdleStatements>(); // goes first; where Statements find it
};

} // namespace mailmoor::store
