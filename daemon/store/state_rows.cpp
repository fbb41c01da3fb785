#include "store/state_rows.h"

#include "store/known_set.h"
#include "store/left_out.h"
#include "store/sqlite_error.h"
#include "util/concat.h"

#include <limits>
#include <sqlite3.h>
#include <utility>

namespace mailmoor::store {
namespace {

// A number of RFC 9051's 32-bit kinds; none for NULL and for what is out of range.
template<class Number>
[[nodiscard]] std::optional<Number> read_number(const Statement& row, int column) {
  const std::int64_t value = row.number(column); // 0 for NULL, which no Number accepts
  if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return Number::from(static_cast<std::uint32_t>(value));
}

[[nodiscard]] std::optional<ModSeq> read_mod_seq(const Statement& row, int column) {
  if (row.is_null(column) || row.number(column) < 0) return std::nullopt;
  return ModSeq::from(static_cast<std::uint64_t>(row.number(column)));
}

constexpr std::string_view kSelectFolders =
    "SELECT folder_id, folder.name, delimiter, uid_validity, state_uid_validity, state_uid_next, state_messages,"
    " state_mod_seq, folder.last_sync, directory, listed_in_full, covers, held, confirmed,"
    " renumberings, renumbered_at FROM folder"
    " JOIN mailbox USING (mailbox_id) WHERE mailbox.name = ? ORDER BY folder.name";

// Empty for text that is no set: the operator is then asked again.
[[nodiscard]] UidSet read_uids(const Statement& row, int column) {
  return UidSet::parse(row.bytes(column)).value_or(UidSet());
}

// REQUIRES: a row of kSelectFolders.
[[nodiscard]] FolderRecord read_folder(const Statement& row) {
  FolderRecord record{.name = FolderName::from_wire(row.bytes(1), static_cast<char>(row.number(2))),
                      .uid_validity = read_number<UidValidity>(row, 3),
                      .last_state = {},
                      .known = {},
                      .last_sync = row.optional_number(8).transform(from_seconds),
                      .directory = std::string(row.bytes(9)),
                      .listed_in_full = row.optional_number(10).transform(from_seconds),
                      .covers = static_cast<std::uint8_t>(row.number(11)),
                      .held = read_uids(row, 12),
                      .confirmed = read_uids(row, 13),
                      .left_out = {},
                      .renumberings = static_cast<std::uint32_t>(row.number(14)),
                      .renumbered_at = row.optional_number(15).transform(from_seconds)};
  record.last_state.uid_validity = read_number<UidValidity>(row, 4);
  record.last_state.uid_next = read_number<Uid>(row, 5);
  record.last_state.messages = static_cast<std::uint32_t>(row.number(6));
  record.last_state.highest_mod_seq = read_mod_seq(row, 7);
  return record;
}

[[nodiscard]] Result<std::vector<RetryRecord>> load_retries(Database& database, std::int64_t folder_id) {
  auto select =
      database.prepare_blocking("SELECT uid, strikes, next_try, reason FROM retry WHERE folder_id = ? ORDER BY uid");
  if (!select) return pass(std::move(select).error());
  select->bind_all(folder_id);
  std::vector<RetryRecord> retries;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return retries;
    const auto uid = read_number<Uid>(*select, 0);
    if (!uid) return pass(sqlite_error(database.path(), SQLITE_CORRUPT, 0, "a row of \"retry\" has no UID", "read it"));
    retries.push_back(
        {*uid, static_cast<int>(select->number(1)), from_seconds(select->number(2)), std::string(select->bytes(3))});
  }
}

[[nodiscard]] Status insert_folder(Database& database, std::string_view mailbox, const FolderName& folder) {
  if (auto added = ensure_mailbox_blocking(database, mailbox); !added) return added;
  auto add_folder = database.prepare_blocking(
      "INSERT INTO folder (mailbox_id, name, delimiter) SELECT mailbox_id, ?2, ?3 FROM mailbox WHERE name = ?1");
  if (!add_folder) return pass(std::move(add_folder).error());
  return add_folder->bind_all(mailbox, Blob{folder.wire()}, folder.delimiter()).run_blocking();
}

} // namespace

std::string_view cut_text(std::string_view text) noexcept {
  if (text.size() <= StateRepository::kMaxText) return text;
  std::size_t end = StateRepository::kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) // a continuation byte (RFC 3629 §3)
    --end;
  return text.substr(0, end);
}

Status ensure_mailbox_blocking(Database& database, std::string_view mailbox) {
  auto insert = database.prepare_blocking("INSERT INTO mailbox (name) VALUES (?) ON CONFLICT (name) DO NOTHING");
  if (!insert) return pass(std::move(insert).error());
  return insert->bind_all(mailbox).run_blocking();
}

Result<std::optional<FolderRow>> find_folder_blocking(Database& database, std::string_view mailbox,
                                                      const FolderName& folder) {
  auto select = database.prepare_blocking(
      "SELECT folder_id, uid_validity, listed_in_full FROM folder JOIN mailbox USING (mailbox_id)"
      " WHERE mailbox.name = ? AND folder.name = ?");
  if (!select) return pass(std::move(select).error());
  const auto row = select->bind_all(mailbox, Blob{folder.wire()}).step_blocking();
  if (!row) return pass(row.error());
  if (!*row) return std::nullopt;
  return FolderRow{select->number(0), read_number<UidValidity>(*select, 1),
                   select->optional_number(2).transform(from_seconds)};
}

Result<FolderRow> ensure_folder_blocking(Database& database, std::string_view mailbox, const FolderName& folder) {
  if (folder.wire().size() > StateRepository::kMaxFolderName)
    return fail(ErrorKind::kFolder, "folder_name_too_long",
                concat("a folder's name has ", folder.wire().size(), " bytes; at most ",
                       StateRepository::kMaxFolderName, " are recorded"),
                "give the folder a shorter name on the server");
  auto found = find_folder_blocking(database, mailbox, folder);
  if (!found) return pass(std::move(found).error());
  if (*found) return **found;
  if (auto inserted = insert_folder(database, mailbox, folder); !inserted) return pass(std::move(inserted).error());
  found = find_folder_blocking(database, mailbox, folder);
  if (!found) return pass(std::move(found).error());
  return found->value_or(FolderRow{});
}

Result<std::vector<StoredFolder>> load_folders_blocking(Database& database, std::string_view mailbox) {
  auto select = database.prepare_blocking(kSelectFolders);
  if (!select) return pass(std::move(select).error());
  select->bind_all(mailbox);
  std::vector<StoredFolder> folders;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return folders;
    StoredFolder folder{read_folder(*select), {}};
    auto known = load_known_blocking(database, select->number(0));
    if (!known) return pass(std::move(known).error());
    folder.record.known = *std::move(known);
    auto left_out = load_left_out_blocking(database, select->number(0));
    if (!left_out) return pass(std::move(left_out).error());
    folder.record.left_out = *std::move(left_out);
    auto retries = load_retries(database, select->number(0));
    if (!retries) return pass(std::move(retries).error());
    folder.retries = *std::move(retries);
    folders.push_back(std::move(folder));
  }
}

} // namespace mailmoor::store
