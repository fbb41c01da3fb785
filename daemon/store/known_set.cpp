#include "store/known_set.h"

#include "store/sqlite_error.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <sqlite3.h>
#include <vector>

namespace mailmoor::store {
namespace {

// The statements that change a folder's ranges.
struct KnownEdits {
  std::int64_t folder_id;
  Statement insert;
  Statement erase;

  [[nodiscard]] Status add(const UidRange& range) {
    return insert.bind_all(folder_id, range.first, range.last).run_blocking();
  }
  [[nodiscard]] Status remove(const UidRange& range) { return erase.bind_all(folder_id, range.first).run_blocking(); }
};

[[nodiscard]] Result<KnownEdits> prepare_known_edits(Database& database, std::int64_t folder_id) {
  auto insert = database.prepare_blocking("INSERT INTO delivered (folder_id, first, last) VALUES (?, ?, ?)");
  if (!insert) return pass(std::move(insert).error());
  auto erase = database.prepare_blocking("DELETE FROM delivered WHERE folder_id = ? AND first = ?");
  if (!erase) return pass(std::move(erase).error());
  return KnownEdits{folder_id, *std::move(insert), *std::move(erase)};
}

// Columns 0 and 1 as a range; none when they are not one.
[[nodiscard]] std::optional<UidRange> read_range(const Statement& row) {
  const std::int64_t first = row.number(0);
  const std::int64_t last = row.number(1);
  if (first < 1 || last < first || last > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return UidRange{static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)};
}

[[nodiscard]] std::unexpected<Error> bad_range(const Database& database) {
  return pass(sqlite_error(database.path(), SQLITE_CORRUPT, 0, "a row of \"delivered\" is no range", "read it"));
}

// The stored ranges that overlap or touch `range`, highest first.
[[nodiscard]] Result<std::vector<UidRange>> neighbours(Database& database, Statement& select_down_from,
                                                       std::int64_t folder_id, const UidRange& range) {
  std::vector<UidRange> found;
  select_down_from.bind_all(folder_id, static_cast<std::int64_t>(range.last) + 1);
  for (;;) {
    const auto row = select_down_from.step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return found;
    const auto stored = read_range(select_down_from);
    if (!stored) return bad_range(database);
    if (static_cast<std::int64_t>(stored->last) + 1 < range.first) return found;
    found.push_back(*stored);
  }
}

} // namespace

Result<UidSet> load_known_blocking(Database& database, std::int64_t folder_id) {
  auto select = database.prepare_blocking("SELECT first, last FROM delivered WHERE folder_id = ? ORDER BY first");
  if (!select) return pass(std::move(select).error());
  select->bind_all(folder_id);
  UidSet known;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return known;
    const auto range = read_range(*select);
    if (!range) return bad_range(database);
    known.insert(*range);
  }
}

Status add_known_blocking(Database& database, std::int64_t folder_id, const UidSet& added) {
  auto edits = prepare_known_edits(database, folder_id);
  if (!edits) return pass(std::move(edits).error());
  auto select = database.prepare_blocking(
      "SELECT first, last FROM delivered WHERE folder_id = ? AND first <= ? ORDER BY first DESC");
  if (!select) return pass(std::move(select).error());
  for (UidRange range : added.ranges()) {
    const auto touched = neighbours(database, *select, folder_id, range);
    if (!touched) return pass(touched.error());
    for (const UidRange& old : *touched) {
      if (auto removed = edits->remove(old); !removed) return removed;
      range = {std::min(range.first, old.first), std::max(range.last, old.last)};
    }
    if (auto written = edits->add(range); !written) return written;
  }
  return {};
}

Status remove_known_blocking(Database& database, std::int64_t folder_id, const UidSet& removed) {
  auto known = load_known_blocking(database, folder_id);
  if (!known) return pass(std::move(known).error());
  return replace_known_blocking(database, folder_id, known->minus(removed));
}

Status replace_known_blocking(Database& database, std::int64_t folder_id, const UidSet& known) {
  const auto stored = load_known_blocking(database, folder_id);
  if (!stored) return pass(stored.error());
  auto edits = prepare_known_edits(database, folder_id);
  if (!edits) return pass(std::move(edits).error());
  std::vector<UidRange> surplus;
  std::vector<UidRange> missing;
  std::ranges::set_difference(stored->ranges(), known.ranges(), std::back_inserter(surplus));
  std::ranges::set_difference(known.ranges(), stored->ranges(), std::back_inserter(missing));
  for (const UidRange& range : surplus)
    if (auto removed = edits->remove(range); !removed) return removed;
  for (const UidRange& range : missing)
    if (auto written = edits->add(range); !written) return written;
  return {};
}

} // namespace mailmoor::store
