#include "store/migrations.h"

#include "store/transaction.h"
#include "util/concat.h"

namespace mailmoor::store {
namespace {

[[nodiscard]] Status run_step(Database& database, const Migration& step) {
  const std::string name = concat("migration ", step.number, ' ', step.name);
  auto transaction = Transaction::begin_blocking(database, name);
  if (!transaction) return pass(std::move(transaction).error());
  const std::string sql = concat(step.sql, "\nPRAGMA user_version=", step.number, ';');
  if (auto done = database.run_blocking(sql); !done) return pass(std::move(done).error().within(name));
  return transaction->commit_blocking();
}

// Reads only.
[[nodiscard]] Status look(Database& database, std::int64_t version, std::size_t newest, const Inspection& inspect) {
  if (version > static_cast<std::int64_t>(newest))
    return fail(ErrorKind::kOperator, "database_too_new",
                concat(database.path(), " has schema version ", version, ", but this mailmoord knows versions up to ",
                       newest, "; nothing was changed"),
                "install the version of Mailmoor that wrote it, or a later one");
  if (auto checked = database.check_blocking(); !checked) return checked;
  return version == 0 || !inspect ? Status() : inspect(database);
}

} // namespace

Result<Database> open_migrated_blocking(const DatabaseOptions& options, std::span<const Migration> migrations,
                                        const Inspection& inspect) {
  auto database = Database::open_untouched_blocking(options);
  if (!database) return database;
  const auto version = database->query_number_blocking("PRAGMA user_version");
  if (!version) return pass(version.error());
  if (auto looked = look(*database, *version, migrations.size(), inspect); !looked)
    return pass(std::move(looked).error());
  if (auto ready = database->make_ready_blocking(); !ready) return pass(std::move(ready).error());
  for (const Migration& step : migrations) {
    if (step.number <= *version) continue;
    if (auto done = run_step(*database, step); !done) return pass(std::move(done).error());
  }
  return database;
}

} // namespace mailmoor::store
