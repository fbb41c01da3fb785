#include "sync/filter.h"

#include <algorithm>

namespace mailmoor::sync {

std::optional<UnixTime> Filter::earliest(UnixTime now) const {
  if (!max_age) return since;
  const UnixTime by_age = std::chrono::floor<std::chrono::days>(now - *max_age);
  return since ? std::max(*since, by_age) : by_age;
}

LeftOut judge(const Filter& filter, UnixTime now, const std::vector<Summary>& summaries) {
  LeftOut out;
  const std::optional<UnixTime> earliest = filter.earliest(now);
  for (const Summary& summary : summaries) {
    if (earliest && summary.internal_date && *summary.internal_date < *earliest)
      out.too_old.insert(summary.uid);
    else if (filter.max_size && summary.size && *summary.size > *filter.max_size)
      out.too_large.push_back({summary.uid, *summary.size});
  }
  if (!out.too_old.empty()) out.earliest = earliest;
  std::ranges::stable_sort(out.too_large, {}, &LargeMessage::uid);
  const auto repeated = std::ranges::unique(out.too_large, {}, &LargeMessage::uid);
  out.too_large.erase(repeated.begin(), repeated.end());
  return out;
}

UidSet readmitted(const LeftOut& left_out, const Filter& filter, UnixTime now) {
  UidSet back;
  const std::optional<UnixTime> earliest = filter.earliest(now);
  if (left_out.earliest && (!earliest || *earliest < *left_out.earliest)) back = left_out.too_old;
  for (const LargeMessage& message : left_out.too_large)
    if (!filter.max_size || message.size <= *filter.max_size) back.insert(message.uid);
  return back;
}

} // namespace mailmoor::sync
