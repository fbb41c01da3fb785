#include "store/statement.h"

#include "store/sqlite_error.h"
#include "util/may_block.h"

#include <sqlite3.h>

namespace mailmoor::store {
namespace {

// More than there are different ones in this room.
constexpr std::size_t kMaxIdle = 128;

} // namespace

IdleStatements::~IdleStatements() {
  for (const auto& [sql, statement] : by_sql_)
    sqlite3_finalize(statement);
}

sqlite3_stmt* IdleStatements::take(std::string_view sql) noexcept {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end()) return nullptr;
  sqlite3_stmt* const statement = found->second;
  by_sql_.erase(found);
  return statement;
}

void IdleStatements::give_back(sqlite3_stmt* statement) noexcept {
  sqlite3_reset(statement); // repeats the error of the last step, which was reported then
  sqlite3_clear_bindings(statement);
  if (by_sql_.size() < kMaxIdle)
    by_sql_.emplace(sqlite3_sql(statement), statement);
  else
    sqlite3_finalize(statement);
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_.get()); // repeats the error of the last step, which was reported then
  bind_code_ = SQLITE_OK;
}

void Statement::note(int code) noexcept {
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
}

void Statement::bind(int index, std::int64_t value) noexcept {
  note(sqlite3_bind_int64(handle_.get(), index, value));
}

void Statement::bind(int index, std::string_view text) noexcept {
  const char* bytes = text.data() == nullptr ? "" : text.data(); // a null pointer would bind NULL
  note(sqlite3_bind_text64(handle_.get(), index, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, Blob blob) noexcept {
  const char* bytes = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  note(sqlite3_bind_blob64(handle_.get(), index, bytes, blob.bytes.size(), SQLITE_TRANSIENT));
}

void Statement::bind_null(int index) noexcept {
  note(sqlite3_bind_null(handle_.get(), index));
}

Result<bool> Statement::step_blocking() {
  assert_may_block();
  sqlite3* database = sqlite3_db_handle(handle_.get());
  if (bind_code_ != SQLITE_OK) return pass(sqlite_error(database, bind_code_, "bind a value"));
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = sqlite_error(database, code, sqlite3_stmt_readonly(handle_.get()) != 0 ? "read" : "write");
  reset();
  return pass(std::move(error));
}

Status Statement::run_blocking() {
  const auto row = step_blocking();
  if (!row) return pass(row.error());
  reset();
  return {};
}

bool Statement::is_null(int column) const noexcept {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::number(int column) const noexcept {
  return sqlite3_column_int64(handle_.get(), column);
}

std::optional<std::int64_t> Statement::optional_number(int column) const noexcept {
  return is_null(column) ? std::nullopt : std::optional(number(column));
}

std::string_view Statement::bytes(int column) const noexcept {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return bytes == nullptr ? std::string_view()
                          : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

} // namespace mailmoor::store
