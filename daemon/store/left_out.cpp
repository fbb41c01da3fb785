#include "store/left_out.h"

#include "store/unix_seconds.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mailmoor::store {
namespace {

[[nodiscard]] Status insert_large(Database& database, std::int64_t folder_id, const LeftOut& left_out) {
  auto insert = database.prepare_blocking("INSERT INTO too_large (folder_id, uid, size) VALUES (?, ?, ?)");
  if (!insert) return pass(std::move(insert).error());
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max(); // SQLite has no more
  for (const LargeMessage& message : left_out.too_large) {
    const auto size = static_cast<std::int64_t>(std::min(message.size, kMax));
    if (auto done = insert->bind_all(folder_id, message.uid.value(), size).run_blocking(); !done) return done;
  }
  return {};
}

} // namespace

Result<LeftOut> load_left_out_blocking(Database& database, std::int64_t folder_id) {
  LeftOut left_out;
  auto select = database.prepare_blocking("SELECT too_old, earliest FROM folder WHERE folder_id = ?");
  if (!select) return pass(std::move(select).error());
  const auto found = select->bind_all(folder_id).step_blocking();
  if (!found) return pass(found.error());
  const auto earliest = *found ? select->optional_number(1) : std::nullopt;
  if (earliest) left_out.too_old = UidSet::parse(select->bytes(0)).value_or(UidSet());
  if (!left_out.too_old.empty()) left_out.earliest = from_seconds(*earliest);

  auto rows = database.prepare_blocking("SELECT uid, size FROM too_large WHERE folder_id = ? ORDER BY uid");
  if (!rows) return pass(std::move(rows).error());
  rows->bind_all(folder_id);
  for (;;) {
    const auto row = rows->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return left_out;
    const std::int64_t number = rows->number(0);
    if (number < 1 || number > std::numeric_limits<std::uint32_t>::max()) continue;
    const Uid uid = *Uid::from(static_cast<std::uint32_t>(number));
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(rows->number(1), 0));
    if (!left_out.too_old.contains(uid)) left_out.too_large.push_back({uid, size});
  }
}

Status replace_left_out_blocking(Database& database, std::int64_t folder_id, const LeftOut& left_out) {
  const std::string too_old = left_out.too_old.to_string();
  auto update = database.prepare_blocking("UPDATE folder SET too_old = ?, earliest = ? WHERE folder_id = ?");
  if (!update) return pass(std::move(update).error());
  if (auto done = update->bind_all(too_old, left_out.earliest.transform(to_seconds), folder_id).run_blocking(); !done)
    return done;
  auto erase = database.prepare_blocking("DELETE FROM too_large WHERE folder_id = ?");
  if (!erase) return pass(std::move(erase).error());
  if (auto done = erase->bind_all(folder_id).run_blocking(); !done) return done;
  return insert_large(database, folder_id, left_out);
}

} // namespace mailmoor::store
