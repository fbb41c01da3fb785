// The folders of state.db: what was delivered, and what is to be tried again.
#include "store/flag_base.h"
#include "store/gmail_messages.h"
#include "store/known_set.h"
#include "store/left_out.h"
#include "store/state_repository.h"
#include "store/state_rows.h"
#include "store/transaction.h"
#include "util/concat.h"

namespace mailmoor::store {
namespace {

template<class Number>
[[nodiscard]] std::optional<std::int64_t> as_number(const std::optional<Number>& number) {
  return number.transform([](const Number& n) { return static_cast<std::int64_t>(n.value()); });
}

[[nodiscard]] Status write_outcome(Database& database, std::int64_t folder_id, const FolderState& state,
                                   std::uint8_t covers, std::optional<UnixTime> listed_in_full,
                                   std::optional<UnixTime> last_sync) {
  auto update = database.prepare_blocking(
      "UPDATE folder SET state_uid_validity = ?, state_uid_next = ?, state_messages = ?, state_mod_seq = ?, covers = ?,"
      " listed_in_full = ?, last_sync = ? WHERE folder_id = ?");
  if (!update) return pass(std::move(update).error());
  return update
      ->bind_all(as_number(state.uid_validity), as_number(state.uid_next), state.messages,
                 as_number(state.highest_mod_seq), covers, listed_in_full.transform(to_seconds),
                 last_sync.transform(to_seconds), folder_id)
      .run_blocking();
}

[[nodiscard]] Status write_held(Database& database, std::int64_t folder_id, const std::optional<UidSet>& held,
                                const std::optional<UidSet>& confirmed) {
  auto update = database.prepare_blocking("UPDATE folder SET held = coalesce(?, held),"
                                          " confirmed = coalesce(?, confirmed) WHERE folder_id = ?");
  if (!update) return pass(std::move(update).error());
  const auto as_text = [](const UidSet& uids) { return uids.to_string(); };
  const std::optional<std::string> held_text = held.transform(as_text);
  const std::optional<std::string> confirmed_text = confirmed.transform(as_text);
  return update->bind_all(held_text, confirmed_text, folder_id).run_blocking();
}

// Runs a statement whose only parameter is the folder.
[[nodiscard]] Status run_for_folder(Database& database, std::string_view sql, std::int64_t folder_id) {
  auto statement = database.prepare_blocking(sql);
  if (!statement) return pass(std::move(statement).error());
  return statement->bind_all(folder_id).run_blocking();
}

[[nodiscard]] Status write_uid_validity(Database& database, std::int64_t folder_id, std::optional<UidValidity> validity,
                                        char delimiter) {
  auto update = database.prepare_blocking("UPDATE folder SET uid_validity = ?, delimiter = ? WHERE folder_id = ?");
  if (!update) return pass(std::move(update).error());
  return update->bind_all(as_number(validity), delimiter, folder_id).run_blocking();
}

[[nodiscard]] Status write_directory(Database& database, std::int64_t folder_id, std::string_view directory) {
  auto update = database.prepare_blocking("UPDATE folder SET directory = ? WHERE folder_id = ?");
  if (!update) return pass(std::move(update).error());
  return update->bind_all(Blob{directory}, folder_id).run_blocking();
}

[[nodiscard]] Status write_folder(Database& database, std::string_view mailbox, const FolderRecord& record) {
  const auto row = ensure_folder_blocking(database, mailbox, record.name);
  if (!row) return pass(row.error());
  const std::int64_t id = row->folder_id;
  if (row->uid_validity != record.uid_validity) { // the old UIDs name other messages now
    if (auto erased = run_for_folder(database, "DELETE FROM retry WHERE folder_id = ?", id); !erased) return erased;
    if (auto erased = run_for_folder(database, "DELETE FROM flag_base WHERE folder_id = ?", id); !erased) return erased;
    if (auto erased = run_for_folder(database, "DELETE FROM gmail_message WHERE folder_id = ?", id); !erased)
      return erased;
  }
  if (auto written = write_uid_validity(database, id, record.uid_validity, record.name.delimiter()); !written)
    return written;
  if (auto written = write_directory(database, id, record.directory); !written) return written;
  if (auto written =
          write_outcome(database, id, record.last_state, record.covers, record.listed_in_full, record.last_sync);
      !written)
    return written;
  if (auto written = write_held(database, id, record.held, record.confirmed); !written) return written;
  if (auto written = replace_left_out_blocking(database, id, record.left_out); !written) return written;
  return replace_known_blocking(database, id, record.known);
}

[[nodiscard]] Status erase_retries(Database& database, std::int64_t folder_id, const UidSet& uids) {
  auto erase = database.prepare_blocking("DELETE FROM retry WHERE folder_id = ? AND uid BETWEEN ? AND ?");
  if (!erase) return pass(std::move(erase).error());
  for (const UidRange& range : uids.ranges())
    if (auto done = erase->bind_all(folder_id, range.first, range.last).run_blocking(); !done) return done;
  return {};
}

[[nodiscard]] Status write_delivered(Database& database, std::string_view mailbox, const FolderName& folder,
                                     UidValidity validity, const UidSet& delivered) {
  const auto row = ensure_folder_blocking(database, mailbox, folder);
  if (!row) return pass(row.error());
  if (row->uid_validity && *row->uid_validity != validity)
    return fail(ErrorKind::kFolder, "uid_validity_mismatch",
                concat(folder.utf8(), ": recorded under UIDVALIDITY ", row->uid_validity->value(), ", delivered under ",
                       validity.value()));
  if (!row->uid_validity)
    if (auto set = write_uid_validity(database, row->folder_id, validity, folder.delimiter()); !set) return set;
  if (auto added = add_known_blocking(database, row->folder_id, delivered); !added) return added;
  return erase_retries(database, row->folder_id, delivered);
}

[[nodiscard]] Status write_retry(Database& database, std::string_view mailbox, const FolderName& folder,
                                 const RetryRecord& retry) {
  const auto row = ensure_folder_blocking(database, mailbox, folder);
  if (!row) return pass(row.error());
  auto upsert = database.prepare_blocking("INSERT OR REPLACE INTO retry (folder_id, uid, strikes, next_try, reason)"
                                          " VALUES (?, ?, ?, ?, ?)");
  if (!upsert) return pass(std::move(upsert).error());
  auto written = upsert
                     ->bind_all(row->folder_id, retry.uid.value(), retry.strikes, to_seconds(retry.next_try),
                                cut_text(retry.reason))
                     .run_blocking();
  if (!written) return written;
  auto count = database.prepare_blocking("SELECT count(*) FROM retry WHERE folder_id = ?");
  if (!count) return pass(std::move(count).error());
  const auto counted = count->bind_all(row->folder_id).step_blocking();
  if (!counted) return pass(counted.error());
  if (count->number(0) <= static_cast<std::int64_t>(StateRepository::kMaxRetriesPerFolder)) return {};
  return fail(
      ErrorKind::kFolder, "too_many_retries",
      concat(folder.utf8(), ": more than ", StateRepository::kMaxRetriesPerFolder, " messages wait for a retry"));
}

// Runs `write` in a transaction and commits when it succeeds.
template<class Write>
[[nodiscard]] Status in_transaction(Database& database, std::string_view name, Write write) {
  auto transaction = Transaction::begin_blocking(database, name);
  if (!transaction) return pass(std::move(transaction).error());
  if (Status written = write(); !written) return written;
  return transaction->commit_blocking();
}

} // namespace

Status StateRepository::save_folder_blocking(std::string_view mailbox, const FolderRecord& record) {
  return in_transaction(database_, "save folder", [&] { return write_folder(database_, mailbox, record); });
}

Status StateRepository::save_outcome_blocking(std::string_view mailbox, const FolderName& folder,
                                              const FolderOutcome& outcome) {
  return in_transaction(database_, "save outcome", [&]() -> Status {
    const auto row = ensure_folder_blocking(database_, mailbox, folder);
    if (!row) return pass(row.error());
    return write_outcome(database_, row->folder_id, outcome.state, outcome.covers,
                         outcome.listed_in_full ? outcome.listed_in_full : row->listed_in_full, outcome.last_sync);
  });
}

Status StateRepository::remove_delivered_blocking(std::string_view mailbox, const FolderName& folder,
                                                  const UidSet& removed) {
  return in_transaction(database_, "remove delivered", [&]() -> Status {
    const auto row = find_folder_blocking(database_, mailbox, folder);
    if (!row) return pass(row.error());
    if (!*row) return {};
    if (auto done = remove_known_blocking(database_, (*row)->folder_id, removed); !done) return done;
    if (auto done = erase_flags_blocking(database_, (*row)->folder_id, removed); !done) return done;
    return erase_gmail_blocking(database_, (*row)->folder_id, removed);
  });
}

Status StateRepository::save_held_blocking(std::string_view mailbox, const FolderName& folder,
                                           const std::optional<UidSet>& held, const std::optional<UidSet>& confirmed) {
  return in_transaction(database_, "save held", [&]() -> Status {
    const auto row = ensure_folder_blocking(database_, mailbox, folder);
    if (!row) return pass(row.error());
    return write_held(database_, row->folder_id, held, confirmed);
  });
}

Status StateRepository::save_left_out_blocking(std::string_view mailbox, const FolderName& folder,
                                               const LeftOut& left_out, bool reopen) {
  return in_transaction(database_, "save left out", [&]() -> Status {
    const auto row = ensure_folder_blocking(database_, mailbox, folder);
    if (!row) return pass(row.error());
    if (auto written = replace_left_out_blocking(database_, row->folder_id, left_out); !written) return written;
    if (!reopen) return {};
    return run_for_folder(database_, "UPDATE folder SET last_sync = NULL WHERE folder_id = ?", row->folder_id);
  });
}

Result<FlagMap> StateRepository::load_flags_blocking(std::string_view mailbox, const FolderName& folder) {
  const auto row = find_folder_blocking(database_, mailbox, folder);
  if (!row) return pass(row.error());
  return *row ? store::load_flags_blocking(database_, (*row)->folder_id) : FlagMap();
}

Status StateRepository::set_flags_blocking(std::string_view mailbox, const FolderName& folder, const FlagMap& set) {
  return in_transaction(database_, "set flags", [&]() -> Status {
    const auto row = ensure_folder_blocking(database_, mailbox, folder);
    if (!row) return pass(row.error());
    return store::set_flags_blocking(database_, row->folder_id, set);
  });
}

Status StateRepository::add_delivered_blocking(std::string_view mailbox, const FolderName& folder, UidValidity validity,
                                               const UidSet& delivered) {
  return in_transaction(database_, "add delivered",
                        [&] { return write_delivered(database_, mailbox, folder, validity, delivered); });
}

Status StateRepository::save_retry_blocking(std::string_view mailbox, const FolderName& folder,
                                            const RetryRecord& retry) {
  return in_transaction(database_, "save retry", [&] { return write_retry(database_, mailbox, folder, retry); });
}

Status StateRepository::save_renumberings_blocking(std::string_view mailbox, const FolderName& folder,
                                                   std::uint32_t count, UnixTime last) {
  return in_transaction(database_, "save renumberings", [&]() -> Status {
    const auto row = ensure_folder_blocking(database_, mailbox, folder);
    if (!row) return pass(row.error());
    auto update =
        database_.prepare_blocking("UPDATE folder SET renumberings = ?, renumbered_at = ? WHERE folder_id = ?");
    if (!update) return pass(std::move(update).error());
    return update->bind_all(count, to_seconds(last), row->folder_id).run_blocking();
  });
}

Status StateRepository::rename_folder_blocking(std::string_view mailbox, const FolderName& from, const FolderName& to,
                                               std::string_view directory) {
  return in_transaction(database_, "rename folder", [&]() -> Status {
    const auto row = find_folder_blocking(database_, mailbox, from);
    if (!row) return pass(row.error());
    if (!*row) return {};
    if (to.wire().size() > kMaxFolderName)
      return fail(ErrorKind::kFolder, "folder_name_too_long", concat(to.utf8(), ": the name is too long"));
    if (Status forgotten = forget_folder_blocking(mailbox, to); !forgotten) return forgotten;
    auto update = database_.prepare_blocking("UPDATE folder SET name = ?, delimiter = ? WHERE folder_id = ?");
    if (!update) return pass(std::move(update).error());
    if (Status done = update->bind_all(Blob{to.wire()}, to.delimiter(), (*row)->folder_id).run_blocking(); !done)
      return done;
    return write_directory(database_, (*row)->folder_id, directory);
  });
}

Status StateRepository::forget_folder_blocking(std::string_view mailbox, const FolderName& folder) {
  const auto row = find_folder_blocking(database_, mailbox, folder);
  if (!row) return pass(row.error());
  if (!*row) return {};
  return run_for_folder(database_, "DELETE FROM folder WHERE folder_id = ?", (*row)->folder_id);
}

Status StateRepository::erase_retry_blocking(std::string_view mailbox, const FolderName& folder, Uid uid) {
  const auto row = find_folder_blocking(database_, mailbox, folder);
  if (!row) return pass(row.error());
  if (!*row) return {};
  UidSet one;
  one.insert(uid);
  return erase_retries(database_, (*row)->folder_id, one);
}

} // namespace mailmoor::store
