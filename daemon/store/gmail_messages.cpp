#include "store/gmail_messages.h"

#include <limits>
#include <optional>
#include <utility>

namespace mailmoor::store {
namespace {

// SQLite has no unsigned numbers: the same 64 bits.
[[nodiscard]] std::int64_t as_number(GmailId id) {
  return static_cast<std::int64_t>(id.value());
}

template<class Number>
[[nodiscard]] std::optional<Number> read_number(const Statement& row, int column) {
  const std::int64_t value = row.number(column);
  if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return Number::from(static_cast<std::uint32_t>(value));
}

// Runs `sql`, whose parameters are the folder and a range of UIDs, for each range.
[[nodiscard]] Status run_for_ranges(Database& database, std::string_view sql, std::int64_t folder_id,
                                    const UidSet& uids) {
  auto statement = database.prepare_blocking(sql);
  if (!statement) return pass(std::move(statement).error());
  for (const UidRange& range : uids.ranges())
    if (auto done = statement->bind_all(folder_id, range.first, range.last).run_blocking(); !done) return done;
  return {};
}

} // namespace

Status save_gmail_blocking(Database& database, std::int64_t folder_id, const std::vector<GmailMessage>& messages) {
  auto upsert =
      database.prepare_blocking("INSERT OR REPLACE INTO gmail_message (folder_id, uid, gmail_id) VALUES (?, ?, ?)");
  if (!upsert) return pass(std::move(upsert).error());
  for (const GmailMessage& message : messages)
    if (auto done = upsert->bind_all(folder_id, message.uid.value(), as_number(message.id)).run_blocking(); !done)
      return done;
  return {};
}

Result<std::vector<GmailCopy>> find_gmail_copies_blocking(Database& database, std::int64_t folder_id,
                                                          const std::vector<GmailMessage>& messages) {
  auto select = database.prepare_blocking(
      "SELECT name, uid_validity, uid FROM gmail_message JOIN folder USING (folder_id)"
      " WHERE gmail_id = ?1 AND folder_id <> ?2"
      " AND mailbox_id = (SELECT mailbox_id FROM folder WHERE folder_id = ?2) ORDER BY folder_id, uid LIMIT ?3");
  if (!select) return pass(std::move(select).error());
  std::vector<GmailCopy> copies;
  for (const GmailMessage& message : messages) {
    select->bind_all(as_number(message.id), folder_id, StateRepository::kMaxCopies);
    for (;;) {
      const auto row = select->step_blocking();
      if (!row) return pass(row.error());
      if (!*row) break;
      const auto validity = read_number<UidValidity>(*select, 1);
      const auto uid = read_number<Uid>(*select, 2);
      if (validity && uid) copies.push_back({message.id, std::string(select->bytes(0)), *validity, *uid});
    }
  }
  return copies;
}

Result<std::vector<GmailPair>> load_gmail_pairs_blocking(Database& database, std::int64_t folder_id,
                                                         const UidSet& uids) {
  auto select = database.prepare_blocking(
      "SELECT own.uid, own.gmail_id, name, uid_validity, other.uid FROM gmail_message AS own"
      " JOIN gmail_message AS other ON other.gmail_id = own.gmail_id AND other.folder_id <> own.folder_id"
      " JOIN folder ON folder.folder_id = other.folder_id"
      " WHERE own.folder_id = ?1 AND own.uid BETWEEN ?2 AND ?3"
      " AND mailbox_id = (SELECT mailbox_id FROM folder WHERE folder_id = ?1)"
      " ORDER BY own.uid, other.folder_id, other.uid LIMIT ?4");
  if (!select) return pass(std::move(select).error());
  std::vector<GmailPair> pairs;
  for (const UidRange& range : uids.ranges()) {
    const std::int64_t messages = std::int64_t{range.last} - range.first + 1;
    select->bind_all(folder_id, range.first, range.last, messages * StateRepository::kMaxCopies);
    for (;;) {
      const auto row = select->step_blocking();
      if (!row) return pass(row.error());
      if (!*row) break;
      const auto own = read_number<Uid>(*select, 0);
      const auto id = GmailId::from(static_cast<std::uint64_t>(select->number(1)));
      const auto validity = read_number<UidValidity>(*select, 3);
      const auto uid = read_number<Uid>(*select, 4);
      if (own && id && validity && uid) pairs.push_back({*own, {*id, std::string(select->bytes(2)), *validity, *uid}});
    }
  }
  return pairs;
}

Result<UidSet> load_gmail_uids_blocking(Database& database, std::int64_t folder_id) {
  auto select = database.prepare_blocking("SELECT uid FROM gmail_message WHERE folder_id = ? ORDER BY uid");
  if (!select) return pass(std::move(select).error());
  select->bind_all(folder_id);
  UidSet uids;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return uids;
    if (const auto uid = read_number<Uid>(*select, 0)) uids.insert(*uid);
  }
}

Status erase_gmail_blocking(Database& database, std::int64_t folder_id, const UidSet& uids) {
  return run_for_ranges(database, "DELETE FROM gmail_message WHERE folder_id = ? AND uid BETWEEN ? AND ?", folder_id,
                        uids);
}

Status erase_gmail_copies_blocking(Database& database, std::int64_t folder_id, const UidSet& uids) {
  return run_for_ranges(
      database,
      "DELETE FROM gmail_message WHERE gmail_id IN"
      " (SELECT gmail_id FROM gmail_message WHERE folder_id = ?1 AND uid BETWEEN ?2 AND ?3) AND folder_id IN"
      " (SELECT folder_id FROM folder WHERE mailbox_id = (SELECT mailbox_id FROM folder WHERE folder_id = ?1))",
      folder_id, uids);
}

} // namespace mailmoor::store
