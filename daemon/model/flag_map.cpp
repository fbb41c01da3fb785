#include "model/flag_map.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mailmoor {

void FlagMap::append(UidRange uids, FlagLetters flags) {
  if (!runs_.empty() && runs_.back().flags == flags && std::uint64_t{runs_.back().uids.last} + 1 == uids.first)
    runs_.back().uids.last = uids.last;
  else
    runs_.push_back({uids, flags});
}

void FlagMap::set(UidRange uids, FlagLetters flags) {
  if (runs_.empty() || runs_.back().uids.last < uids.first) return append(uids, flags);
  FlagMap one;
  one.append(uids, flags);
  set(one);
}

void FlagMap::set(const FlagMap& other) {
  if (other.empty()) return;
  erase(other.uids());
  std::vector<FlagRun> both;
  both.reserve(runs_.size() + other.runs_.size());
  std::ranges::merge(
      runs_, other.runs_, std::back_inserter(both), {}, [](const FlagRun& run) { return run.uids.first; },
      [](const FlagRun& run) { return run.uids.first; });
  runs_.clear();
  for (const FlagRun& run : both)
    append(run.uids, run.flags);
}

void FlagMap::erase(const UidSet& uids) {
  if (uids.empty() || runs_.empty()) return;
  *this = restricted_to(this->uids().minus(uids));
}

std::optional<FlagLetters> FlagMap::find(Uid uid) const noexcept {
  const auto after =
      std::ranges::upper_bound(runs_, uid.value(), {}, [](const FlagRun& run) { return run.uids.first; });
  if (after == runs_.begin()) return std::nullopt;
  const FlagRun& run = *std::prev(after);
  return uid.value() <= run.uids.last ? std::optional(run.flags) : std::nullopt;
}

UidSet FlagMap::uids() const {
  UidSet out;
  for (const FlagRun& run : runs_)
    out.insert(run.uids);
  return out;
}

FlagMap FlagMap::restricted_to(const UidSet& uids) const {
  FlagMap out;
  auto range = uids.ranges().begin();
  for (const FlagRun& run : runs_) {
    while (range != uids.ranges().end() && range->last < run.uids.first)
      ++range;
    for (auto at = range; at != uids.ranges().end() && at->first <= run.uids.last; ++at)
      out.append({std::max(at->first, run.uids.first), std::min(at->last, run.uids.last)}, run.flags);
  }
  return out;
}

FlagMap FlagRows::take() {
  std::vector<Row> rows = std::exchange(rows_, {});
  std::ranges::sort(rows, {}, [](const Row& row) { return std::pair(row.uid, row.turn); });
  FlagMap out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (i + 1 == rows.size() || rows[i + 1].uid != rows[i].uid) out.set(*Uid::from(rows[i].uid), rows[i].flags);
  return out;
}

} // namespace mailmoor
