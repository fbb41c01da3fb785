#include "store/state_repository.h"

#include "store/downloads.h"
#include "store/gmail_labels.h"
#include "store/migrations.h"
#include "store/sqlite_error.h"
#include "store/state_rows.h"
#include "util/concat.h"
#include "util/durable.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <unistd.h>

namespace mailmoor::store {
namespace {

[[nodiscard]] UnixMillis from_millis(std::int64_t millis) {
  return UnixMillis(std::chrono::milliseconds(millis));
}
[[nodiscard]] std::int64_t to_millis(UnixMillis time) {
  return time.time_since_epoch().count();
}

// A sound file with other tables than its version says is of no more use than a corrupt one.
[[nodiscard]] Error other_schema(const std::string& path, const Error& cause) {
  return {ErrorKind::kOperator, "database_corrupt",
          concat(path, " has not the tables that its schema version says: ", cause.what)};
}

// Whether every table is there with what this room reads of it.
[[nodiscard]] Status check_schema(Database& database) {
  constexpr std::array kReads = {
      "SELECT mailbox_id, name, failures, failures_for_someone, times_over_quota, retry_at, retry_imposed,"
      " retry_reason, error_code, last_sync, paused, rate_limit FROM mailbox",
      "SELECT folder_id, mailbox_id, name, delimiter, directory, uid_validity, state_uid_validity, state_uid_next,"
      " state_messages, state_mod_seq, last_sync, listed_in_full, covers, held, confirmed, too_old, earliest,"
      " renumberings, renumbered_at FROM folder",
      "SELECT folder_id, first, last FROM delivered",
      "SELECT folder_id, uid, strikes, next_try, reason FROM retry",
      "SELECT folder_id, first, last, flags FROM flag_base",
      "SELECT folder_id, uid, size FROM too_large",
      "SELECT mailbox_id, hour, octets FROM received",
      "SELECT folder_id, uid, gmail_id FROM gmail_message",
      "SELECT mailbox_id, label FROM gmail_label",
  };
  for (const char* read : kReads)
    if (const auto statement = database.prepare_blocking(read); !statement) return pass(statement.error());
  return {};
}

[[nodiscard]] Result<Database> open_database(const std::string& path) {
  // NORMAL: a power cut may forget the last records. The Maildir still says what was delivered.
  const DatabaseOptions options{.path = path, .durability = Durability::kNormal, .overwrites_deleted = false};
  auto database = open_migrated_blocking(options, state_migrations(), nullptr);
  // SQLITE_ERROR: a migration does not fit what is there.
  if (!database && database.error().code == "database_error")
    return std::unexpected(other_schema(path, database.error()));
  if (!database) return database;
  const Status checked = check_schema(*database);
  if (!checked && checked.error().code == "database_error") return std::unexpected(other_schema(path, checked.error()));
  if (!checked) return pass(checked.error());
  return database;
}

// Renames the files of a database that nobody has open. `target` must be free.
[[nodiscard]] Status set_aside(const std::string& path, const std::string& target) {
  const auto move = [&path, &target](std::string_view suffix) {
    return std::rename(concat(path, suffix).c_str(), concat(target, suffix).c_str()) == 0 || errno == ENOENT;
  };
  // The WAL goes first: left behind, it would be replayed into the new database.
  if (!move("-wal") || !move(""))
    return fail(ErrorKind::kOperator, "database_corrupt",
                concat(path, " is corrupt and cannot be renamed to ", target, ": ", errno_text(errno)),
                concat("move ", path, " away; it is rebuilt from the Maildir and the server"));
  return sync_parent_directory_blocking(path);
}

[[nodiscard]] Result<MailboxRecord> read_mailbox(Database& database, std::string_view mailbox) {
  auto select =
      database.prepare_blocking("SELECT failures, retry_at, retry_imposed, retry_reason, error_code, last_sync,"
                                " paused, failures_for_someone, times_over_quota FROM mailbox WHERE name = ?");
  if (!select) return pass(std::move(select).error());
  const auto row = select->bind_all(mailbox).step_blocking();
  if (!row) return pass(row.error());
  MailboxRecord record;
  if (!*row) return record;
  record.failures = static_cast<int>(select->number(0));
  record.retry_at = select->optional_number(1).transform(from_millis);
  record.retry_imposed = select->number(2) != 0;
  record.retry_reason = select->bytes(3);
  record.error_code = select->bytes(4);
  record.last_sync = select->optional_number(5).transform(from_seconds);
  record.paused = select->number(6) != 0;
  record.failures_for_someone = static_cast<int>(select->number(7));
  record.times_over_quota = static_cast<int>(select->number(8));
  return record;
}

} // namespace

Result<StateRepository::Opened> StateRepository::open_blocking(const std::string& path, UnixTime now) {
  auto database = open_database(path);
  std::string moved_to;
  if (!database && is_corruption(database.error())) {
    moved_to = concat(path, ".corrupt-", to_seconds(now));
    if (auto moved = set_aside(path, moved_to); !moved) return pass(std::move(moved).error());
    database = open_database(path);
  }
  if (!database) return pass(std::move(database).error());
  return Opened{StateRepository(*std::move(database)), std::move(moved_to)};
}

Result<StoredMailbox> StateRepository::load_mailbox_blocking(std::string_view mailbox) {
  auto record = read_mailbox(database_, mailbox);
  if (!record) return pass(std::move(record).error());
  auto folders = load_folders_blocking(database_, mailbox);
  if (!folders) return pass(std::move(folders).error());
  auto downloads = load_downloads_blocking(database_, mailbox);
  if (!downloads) return pass(std::move(downloads).error());
  auto labels = load_gmail_labels_blocking(database_, mailbox);
  if (!labels) return pass(std::move(labels).error());
  return StoredMailbox{*std::move(record), *std::move(folders), *std::move(downloads), *std::move(labels)};
}

Result<std::vector<std::string>> StateRepository::list_mailboxes_blocking() {
  auto select = database_.prepare_blocking("SELECT name FROM mailbox ORDER BY name");
  if (!select) return pass(std::move(select).error());
  std::vector<std::string> names;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return names;
    names.emplace_back(select->bytes(0));
  }
}

Status StateRepository::save_mailbox_blocking(std::string_view mailbox, const MailboxRecord& record) {
  auto upsert = database_.prepare_blocking(
      "INSERT INTO mailbox (name, failures, failures_for_someone, times_over_quota, retry_at, retry_imposed,"
      " retry_reason, error_code, last_sync, paused) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (name) DO UPDATE SET failures = excluded.failures,"
      " failures_for_someone = excluded.failures_for_someone, times_over_quota = excluded.times_over_quota,"
      " retry_at = excluded.retry_at, retry_imposed = excluded.retry_imposed, retry_reason = excluded.retry_reason,"
      " error_code = excluded.error_code, last_sync = excluded.last_sync, paused = excluded.paused");
  if (!upsert) return pass(std::move(upsert).error());
  return upsert
      ->bind_all(mailbox, record.failures, record.failures_for_someone, record.times_over_quota,
                 record.retry_at.transform(to_millis), record.retry_imposed ? 1 : 0, cut_text(record.retry_reason),
                 cut_text(record.error_code), record.last_sync.transform(to_seconds), record.paused ? 1 : 0)
      .run_blocking();
}

Status StateRepository::save_downloads_blocking(std::string_view mailbox, const Downloads& downloads) {
  return replace_downloads_blocking(database_, mailbox, downloads);
}

Status StateRepository::save_gmail_labels_blocking(std::string_view mailbox, const std::vector<std::string>& labels) {
  return replace_gmail_labels_blocking(database_, mailbox, labels);
}

Status StateRepository::forget_mailbox_blocking(std::string_view mailbox) {
  auto erase = database_.prepare_blocking("DELETE FROM mailbox WHERE name = ?"); // its folders and retries go with it
  if (!erase) return pass(std::move(erase).error());
  return erase->bind_all(mailbox).run_blocking();
}

} // namespace mailmoor::store
