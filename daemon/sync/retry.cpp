#include "sync/retry.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace mailmoor::sync {
namespace {

// A lost connection has many causes besides the message that was on its way.
constexpr std::uint32_t kFreeLosses = 2;

[[nodiscard]] std::uint32_t strikes_of(const RetryRecords& records, Uid uid) {
  const auto found = std::ranges::find(records, uid, &RetryRecord::uid);
  return found == records.end() ? 0 : found->strikes;
}

} // namespace

std::chrono::seconds retry_delay(std::uint32_t strikes) noexcept {
  using namespace std::chrono_literals;
  // Safe Attachments scans end within half an hour; what is missing after a day is missing for long.
  constexpr std::array<std::chrono::seconds, 5> kDelays = {10min, 1h, 6h, 24h, 7 * 24h};
  assert(strikes >= 1);
  return kDelays[std::min<std::size_t>(strikes, kDelays.size()) - 1];
}

UidSet uids_of(const RetryRecords& records) {
  UidSet uids;
  for (const RetryRecord& record : records)
    uids.insert(record.uid);
  return uids;
}

UidSet due(const RetryRecords& records, UnixTime now) {
  UidSet uids;
  for (const RetryRecord& record : records)
    if (record.next_try <= now) uids.insert(record.uid);
  return uids;
}

Accounts account_for(const UidSet& requested, const UidSet& arrived, FetchEnd end, const RetryRecords& records,
                     UnixTime now, const std::string& reason) {
  const UidSet missing = requested.minus(arrived);
  if (missing.empty() || end == FetchEnd::kNotReached) return {};
  if (end == FetchEnd::kTagged && requested.size() > 1) return {missing, {}};

  const Uid uid = *Uid::from(missing.ranges().front().first);
  const std::uint32_t strikes = strikes_of(records, uid) + 1;
  std::chrono::seconds delay{0};
  if (end == FetchEnd::kTagged)
    delay = retry_delay(strikes);
  else if (strikes > kFreeLosses)
    delay = retry_delay(strikes - kFreeLosses);
  return {{}, {RetryRecord{uid, strikes, now + delay, reason}}};
}

} // namespace mailmoor::sync
