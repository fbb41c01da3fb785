#include "store/reseal.h"

#include "store/transaction.h"
#include "util/concat.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::store {
namespace {

constexpr std::array kSealedColumns = {
    SealedColumn{"key_check", "id", "sealed"}, SealedColumn{"token", "token_id", "refresh_token"},
    SealedColumn{"token", "token_id", "previous_refresh_token"}, SealedColumn{"token", "token_id", "access_token"},
    SealedColumn{"password", "mailbox", "password"}};

using Rows = std::vector<std::pair<std::string, std::string>>; // primary key as text, sealed value

[[nodiscard]] Result<Rows> read_column(Database& database, const SealedColumn& where) {
  auto select = database.prepare_blocking(concat("SELECT CAST(", where.row, " AS TEXT), ", where.column, " FROM ",
                                                 where.table, " WHERE ", where.column, " IS NOT NULL"));
  if (!select) return pass(std::move(select).error());
  Rows rows;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return rows;
    rows.emplace_back(select->bytes(0), select->bytes(1));
  }
}

[[nodiscard]] Status reseal_column(Database& database, const SealedColumn& where, const Sealer& old,
                                   const Sealer& fresh, Resealed& done) {
  const auto rows = read_column(database, where);
  if (!rows) return pass(rows.error());
  auto update = database.prepare_blocking(
      concat("UPDATE ", where.table, " SET ", where.column, " = ? WHERE ", where.row, " = ?"));
  if (!update) return pass(std::move(update).error());
  for (const auto& [key, value] : *rows) {
    const Cell cell{where.table, key, where.column};
    const auto plain = old.open(value, cell);
    if (!plain && plain.error().code == "sealed_value_damaged") {
      ++done.unreadable;
      continue;
    }
    if (!plain) return pass(plain.error());
    const auto sealed = fresh.seal(*plain, cell);
    if (!sealed) return pass(sealed.error());
    if (auto written = update->bind_all(Blob{*sealed}, std::string_view(key)).run_blocking(); !written) return written;
    ++done.values;
  }
  return {};
}

} // namespace

std::span<const SealedColumn> sealed_columns() noexcept {
  return kSealedColumns;
}

Result<Resealed> reseal_blocking(Database& database, const Sealer& old, const Sealer& fresh) {
  auto transaction = Transaction::begin_blocking(database, "key rotation");
  if (!transaction) return pass(std::move(transaction).error());
  Resealed done;
  for (const SealedColumn& where : kSealedColumns)
    if (auto resealed = reseal_column(database, where, old, fresh, done); !resealed)
      return pass(std::move(resealed).error());
  if (auto committed = transaction->commit_blocking(); !committed) return pass(std::move(committed).error());
  // It is done, whatever comes of this: what is left of the old values goes with the next checkpoint then.
  static_cast<void>(database.checkpoint_blocking());
  return done;
}

} // namespace mailmoor::store
