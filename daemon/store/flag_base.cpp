#include "store/flag_base.h"

#include "store/sqlite_error.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <sqlite3.h>
#include <vector>

namespace mailmoor::store {
namespace {

constexpr std::int64_t kMaxUid = std::numeric_limits<std::uint32_t>::max();

// Columns 0, 1 and 2 as a run; none when they are not one.
[[nodiscard]] std::optional<FlagRun> read_run(const Statement& row) {
  const std::int64_t first = row.number(0);
  const std::int64_t last = row.number(1);
  const auto flags = FlagLetters::from_bits(row.number(2));
  if (first < 1 || last < first || last > kMaxUid || !flags) return std::nullopt;
  return FlagRun{{static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)}, *flags};
}

[[nodiscard]] Result<std::vector<FlagRun>> read_runs(Database& database, Statement& select) {
  std::vector<FlagRun> runs;
  for (;;) {
    const auto row = select.step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return runs;
    const auto run = read_run(select);
    if (!run)
      return pass(sqlite_error(database.path(), SQLITE_CORRUPT, 0, "a row of \"flag_base\" is no run", "read it"));
    runs.push_back(*run);
  }
}

// The statements that change a folder's runs.
struct Edits {
  std::int64_t folder_id;
  Statement overlapping, insert, erase;

  [[nodiscard]] Status add(UidRange uids, FlagLetters flags) {
    return insert.bind_all(folder_id, uids.first, uids.last, flags.bits()).run_blocking();
  }
  // What `range` had is replaced by `flags`, or by nothing; neighbours with the same flags become one run.
  [[nodiscard]] Status replace(Database& database, UidRange range, std::optional<FlagLetters> flags) {
    overlapping.bind_all(folder_id, std::int64_t{range.last} + 1, std::int64_t{range.first} - 1);
    const auto touched = read_runs(database, overlapping);
    if (!touched) return pass(touched.error());
    UidRange whole = range;
    for (const FlagRun& run : *touched) {
      if (auto gone = erase.bind_all(folder_id, run.uids.first).run_blocking(); !gone) return gone;
      const bool joins = flags == run.flags;
      if (joins && run.uids.first < range.first) whole.first = run.uids.first;
      if (joins && run.uids.last > range.last) whole.last = run.uids.last;
      if (!joins && run.uids.first < range.first)
        if (auto kept = add({run.uids.first, std::min(run.uids.last, range.first - 1)}, run.flags); !kept) return kept;
      if (!joins && run.uids.last > range.last)
        if (auto kept = add({std::max(run.uids.first, range.last + 1), run.uids.last}, run.flags); !kept) return kept;
    }
    return flags ? add(whole, *flags) : Status();
  }
};

[[nodiscard]] Result<Edits> prepare_edits(Database& database, std::int64_t folder_id) {
  // Runs do not overlap: of those that begin before the range, only the last can reach into it.
  auto overlapping = database.prepare_blocking(
      "SELECT first, last, flags FROM flag_base WHERE folder_id = ?1 AND first <= ?2 AND first >= coalesce((SELECT"
      " max(first) FROM flag_base WHERE folder_id = ?1 AND first <= ?3), ?3) AND last >= ?3 ORDER BY first");
  if (!overlapping) return pass(std::move(overlapping).error());
  auto insert = database.prepare_blocking("INSERT INTO flag_base (folder_id, first, last, flags) VALUES (?, ?, ?, ?)");
  if (!insert) return pass(std::move(insert).error());
  auto erase = database.prepare_blocking("DELETE FROM flag_base WHERE folder_id = ? AND first = ?");
  if (!erase) return pass(std::move(erase).error());
  return Edits{folder_id, *std::move(overlapping), *std::move(insert), *std::move(erase)};
}

} // namespace

Result<FlagMap> load_flags_blocking(Database& database, std::int64_t folder_id) {
  auto select =
      database.prepare_blocking("SELECT first, last, flags FROM flag_base WHERE folder_id = ? ORDER BY first");
  if (!select) return pass(std::move(select).error());
  select->bind_all(folder_id);
  const auto runs = read_runs(database, *select);
  if (!runs) return pass(runs.error());
  FlagMap flags;
  for (const FlagRun& run : *runs)
    flags.set(run.uids, run.flags);
  return flags;
}

Status set_flags_blocking(Database& database, std::int64_t folder_id, const FlagMap& set) {
  auto edits = prepare_edits(database, folder_id);
  if (!edits) return pass(std::move(edits).error());
  for (const FlagRun& run : set.runs())
    if (auto replaced = edits->replace(database, run.uids, run.flags); !replaced) return replaced;
  return {};
}

Status erase_flags_blocking(Database& database, std::int64_t folder_id, const UidSet& uids) {
  auto edits = prepare_edits(database, folder_id);
  if (!edits) return pass(std::move(edits).error());
  for (const UidRange& range : uids.ranges())
    if (auto erased = edits->replace(database, range, std::nullopt); !erased) return erased;
  return {};
}

} // namespace mailmoor::store
