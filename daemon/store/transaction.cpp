#include "store/transaction.h"

#include "store/database.h"

#include <sqlite3.h>

namespace mailmoor::store {

Result<Transaction> Transaction::begin_blocking(Database& database, std::string_view name) {
  if (auto begun = database.run_blocking("BEGIN IMMEDIATE"); !begun) return pass(std::move(begun).error().within(name));
  return Transaction(database, name);
}

Transaction::~Transaction() {
  roll_back();
}

Status Transaction::commit_blocking() {
  if (auto committed = database_->run_blocking("COMMIT"); !committed) {
    roll_back();
    return pass(std::move(committed).error().within(name_));
  }
  database_ = nullptr;
  return {};
}

void Transaction::roll_back() noexcept {
  Database* database = std::exchange(database_, nullptr);
  // SQLite has rolled back by itself after some errors, a full disk among them.
  if (database == nullptr || sqlite3_get_autocommit(database->handle()) != 0) return;
  sqlite3_exec(database->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

} // namespace mailmoor::store
