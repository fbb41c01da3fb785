#include "store/token_vault.h"

#include "store/migrations.h"
#include "store/transaction.h"
#include "store/unix_seconds.h"
#include "util/concat.h"

#include <cstdint>
#include <utility>

namespace mailmoor::store {
namespace {

constexpr std::string_view kPurpose = "mailmoor tokens.db"; // part of the format: see sealer.h
constexpr std::string_view kCheckText = "mailmoor master key";
constexpr Cell kCheckCell{"key_check", "1", "sealed"};

constexpr Cell refresh_cell(std::string_view id) {
  return {"token", id, "refresh_token"};
}
constexpr Cell previous_cell(std::string_view id) {
  return {"token", id, "previous_refresh_token"};
}
constexpr Cell access_cell(std::string_view id) {
  return {"token", id, "access_token"};
}
constexpr Cell password_cell(std::string_view mailbox) {
  return {"password", mailbox, "password"};
}

[[nodiscard]] Result<std::optional<std::string>> load_check(Database& database) {
  auto select = database.prepare_blocking("SELECT sealed FROM key_check WHERE id = 1");
  if (!select) return pass(std::move(select).error());
  const auto row = select->step_blocking();
  if (!row) return pass(row.error());
  return *row ? std::optional<std::string>(select->bytes(0)) : std::nullopt;
}

// Reads only.
[[nodiscard]] Status check_key(Database& database, const Sealer& sealer) {
  const auto sealed = load_check(database);
  if (!sealed) return pass(sealed.error());
  if (!*sealed) { // the first start ended before it wrote the check: then nothing else was written either
    const auto rows =
        database.query_number_blocking("SELECT (SELECT count(*) FROM token) + (SELECT count(*) FROM password)");
    if (!rows) return pass(rows.error());
    if (*rows == 0) return {};
    return fail(ErrorKind::kOperator, "database_corrupt", concat(database.path(), " has lost its key check"),
                concat("restore ", database.path(), " from a backup, or move it away and sign in again"));
  }
  const auto opened = sealer.open(**sealed, kCheckCell);
  if (opened) return {};
  if (opened.error().kind == ErrorKind::kBug) return pass(opened.error()); // OpenSSL failed: says nothing about the key
  return fail(ErrorKind::kOperator, "wrong_master_key",
              concat(database.path(), " is sealed with another key than the one from ", sealer.key().describe(),
                     "; nothing was changed"),
              concat("bring the right key back, or move ", database.path(), " away and sign in again"));
}

[[nodiscard]] Status write_check(Database& database, const Sealer& sealer) {
  const auto present = load_check(database);
  if (!present) return pass(present.error());
  if (*present) return {};
  auto sealed = sealer.seal(Secret(kCheckText), kCheckCell);
  if (!sealed) return pass(std::move(sealed).error());
  auto insert = database.prepare_blocking("INSERT INTO key_check (id, sealed) VALUES (1, ?)");
  if (!insert) return pass(std::move(insert).error());
  return insert->bind_all(Blob{*sealed}).run_blocking();
}

[[nodiscard]] Result<std::vector<std::string>> list_keys(Database& database, std::string_view sql) {
  auto select = database.prepare_blocking(sql);
  if (!select) return pass(std::move(select).error());
  std::vector<std::string> keys;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return keys;
    keys.emplace_back(select->bytes(0));
  }
}

// Erased values leave the database file at once (secure_delete) and the WAL with the checkpoint.
[[nodiscard]] Status erase_row(Database& database, std::string_view sql, std::string_view key) {
  auto erase = database.prepare_blocking(sql);
  if (!erase) return pass(std::move(erase).error());
  if (auto done = erase->bind_all(key).run_blocking(); !done) return done;
  return database.checkpoint_blocking();
}

// Empty for NULL.
[[nodiscard]] Result<Secret> open_column(const Sealer& sealer, const Statement& row, int column, const Cell& cell) {
  if (row.is_null(column)) return Secret();
  return sealer.open(row.bytes(column), cell);
}

// The two refresh token columns of a row, sealed.
struct RefreshColumns {
  std::optional<std::string> current;
  std::optional<std::string> previous;
};

[[nodiscard]] Result<RefreshColumns> load_refresh_columns(Database& database, std::string_view token_id) {
  auto select = database.prepare_blocking("SELECT refresh_token, previous_refresh_token FROM token WHERE token_id = ?");
  if (!select) return pass(std::move(select).error());
  const auto row = select->bind_all(token_id).step_blocking();
  if (!row) return pass(row.error());
  RefreshColumns columns;
  if (*row && !select->is_null(0)) columns.current = select->bytes(0);
  if (*row && !select->is_null(1)) columns.previous = select->bytes(1);
  return columns;
}

// What the columns become when `refresh_token` is saved over `stored`.
[[nodiscard]] Result<RefreshColumns> follow(const Sealer& sealer, std::string_view token_id, RefreshColumns stored,
                                            const Secret& refresh_token) {
  if (refresh_token.empty()) return stored;
  Secret before;
  if (stored.current) { // one that does not open is of no use: it must not keep the new one from being saved
    auto opened = sealer.open(*stored.current, refresh_cell(token_id));
    if (opened) before = *std::move(opened);
  }
  if (before == refresh_token) return RefreshColumns{std::move(stored.current), std::nullopt};
  auto current = sealer.seal(refresh_token, refresh_cell(token_id));
  if (!current) return pass(std::move(current).error());
  RefreshColumns columns{*std::move(current), std::nullopt};
  if (before.empty()) return columns;
  auto previous = sealer.seal(before, previous_cell(token_id));
  if (!previous) return pass(std::move(previous).error());
  columns.previous = *std::move(previous);
  return columns;
}

[[nodiscard]] std::optional<Blob> as_blob(const std::optional<std::string>& bytes) {
  return bytes ? std::optional(Blob{*bytes}) : std::nullopt;
}

// In the caller's transaction.
[[nodiscard]] Status write_token(Database& database, const Sealer& sealer, std::string_view token_id,
                                 const StoredToken& token) {
  auto stored = load_refresh_columns(database, token_id);
  if (!stored) return pass(std::move(stored).error());
  const auto refresh = follow(sealer, token_id, *std::move(stored), token.refresh_token);
  if (!refresh) return pass(refresh.error());
  const auto access = sealer.seal(token.access_token, access_cell(token_id));
  if (!access) return pass(access.error());
  auto replace = database.prepare_blocking(
      "INSERT OR REPLACE INTO token (token_id, refresh_token, previous_refresh_token, access_token,"
      " obtained_at, expires_at, refresh_at, scope) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  if (!replace) return pass(std::move(replace).error());
  return replace
      ->bind_all(token_id, as_blob(refresh->current), as_blob(refresh->previous), Blob{*access},
                 to_seconds(token.obtained_at), to_seconds(token.expires_at), token.refresh_at.transform(to_seconds),
                 token.scope)
      .run_blocking();
}

// REQUIRES: `row` selects the columns of load_token_blocking().
[[nodiscard]] Result<std::optional<StoredToken>> read_token(const Sealer& sealer, std::string_view token_id,
                                                            const Statement& row) {
  auto refresh = open_column(sealer, row, 0, refresh_cell(token_id));
  if (!refresh) return pass(std::move(refresh).error());
  auto previous = open_column(sealer, row, 1, previous_cell(token_id));
  if (!previous) return pass(std::move(previous).error());
  auto access = open_column(sealer, row, 2, access_cell(token_id));
  if (!access) return pass(std::move(access).error());
  StoredToken token;
  token.refresh_token = *std::move(refresh);
  token.previous_refresh_token = *std::move(previous);
  token.access_token = *std::move(access);
  token.obtained_at = from_seconds(row.number(3));
  token.expires_at = from_seconds(row.number(4));
  token.refresh_at = row.optional_number(5).transform(from_seconds);
  token.scope = row.bytes(6);
  return token;
}

} // namespace

Result<TokenVault> TokenVault::open_blocking(const std::string& path, MasterKey key) {
  Sealer sealer(std::move(key), std::string(kPurpose));
  const DatabaseOptions options{.path = path, .durability = Durability::kFull, .overwrites_deleted = true};
  auto database = open_migrated_blocking(options, token_migrations(),
                                         [&sealer](Database& opened) { return check_key(opened, sealer); });
  if (!database) return pass(std::move(database).error());
  if (auto written = write_check(*database, sealer); !written) return pass(std::move(written).error());
  return TokenVault(*std::move(database), std::move(sealer));
}

Result<std::optional<StoredToken>> TokenVault::load_token_blocking(std::string_view token_id) {
  auto select = database_.prepare_blocking("SELECT refresh_token, previous_refresh_token, access_token, obtained_at,"
                                           " expires_at, refresh_at, scope FROM token WHERE token_id = ?");
  if (!select) return pass(std::move(select).error());
  const auto row = select->bind_all(token_id).step_blocking();
  if (!row) return pass(row.error());
  if (!*row) return std::nullopt;
  return read_token(sealer_, token_id, *select);
}

Status TokenVault::save_token_blocking(std::string_view token_id, const StoredToken& token) {
  auto transaction = Transaction::begin_blocking(database_, "save token");
  if (!transaction) return pass(std::move(transaction).error());
  if (auto written = write_token(database_, sealer_, token_id, token); !written) return written;
  return transaction->commit_blocking();
}

Status TokenVault::erase_token_blocking(std::string_view token_id) {
  return erase_row(database_, "DELETE FROM token WHERE token_id = ?", token_id);
}

Result<std::vector<std::string>> TokenVault::list_tokens_blocking() {
  return list_keys(database_, "SELECT token_id FROM token ORDER BY token_id");
}

Result<std::optional<Secret>> TokenVault::load_password_blocking(std::string_view mailbox) {
  auto select = database_.prepare_blocking("SELECT password FROM password WHERE mailbox = ?");
  if (!select) return pass(std::move(select).error());
  const auto row = select->bind_all(mailbox).step_blocking();
  if (!row) return pass(row.error());
  if (!*row) return std::nullopt;
  auto password = sealer_.open(select->bytes(0), password_cell(mailbox));
  if (!password) return pass(std::move(password).error());
  return *std::move(password);
}

Status TokenVault::save_password_blocking(std::string_view mailbox, const Secret& password) {
  const auto sealed = sealer_.seal(password, password_cell(mailbox));
  if (!sealed) return pass(sealed.error());
  auto replace = database_.prepare_blocking("INSERT OR REPLACE INTO password (mailbox, password) VALUES (?, ?)");
  if (!replace) return pass(std::move(replace).error());
  return replace->bind_all(mailbox, Blob{*sealed}).run_blocking();
}

Status TokenVault::erase_password_blocking(std::string_view mailbox) {
  return erase_row(database_, "DELETE FROM password WHERE mailbox = ?", mailbox);
}

Result<std::vector<std::string>> TokenVault::list_passwords_blocking() {
  return list_keys(database_, "SELECT mailbox FROM password ORDER BY mailbox");
}

Result<Resealed> TokenVault::rotate_key_blocking(MasterKey key) {
  Sealer fresh(std::move(key), std::string(kPurpose));
  auto resealed = reseal_blocking(database_, sealer_, fresh);
  if (resealed) sealer_ = std::move(fresh);
  return resealed;
}

} // namespace mailmoor::store
