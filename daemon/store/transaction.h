// A write transaction: what was done since begin is undone unless commit succeeded. Must not outlive its Database.
#pragma once

#include "util/result.h"

#include <string>
#include <string_view>
#include <utility>

namespace mailmoor::store {

class Database;

class Transaction final {
 public:
  // Takes the write lock at once, so that nothing inside can fail for it. `name` appears in errors.
  [[nodiscard]] static Result<Transaction> begin_blocking(Database& database, std::string_view name);

  Transaction(Transaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)), name_(std::move(other.name_)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // After an error everything is undone.
  [[nodiscard]] Status commit_blocking();

 private:
  Transaction(Database& database, std::string_view name) : database_(&database), name_(name) {}
  void roll_back() noexcept;

  Database* database_; // null: committed, undone or moved from
  std::string name_;
};

} // namespace mailmoor::store
