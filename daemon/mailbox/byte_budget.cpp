#include "mailbox/byte_budget.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// An hour counts whole until the last of it is 24 hours old: its own hour and the 24 after it.
constexpr std::int64_t kCountsFor = 25;

[[nodiscard]] std::int64_t hour_of(UnixTime time) {
  return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
}

[[nodiscard]] std::uint64_t saturated_sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

} // namespace

ByteBudget::ByteBudget(std::uint64_t limit, std::vector<HourOfOctets> received)
    : limit_(limit), hours_(std::move(received)) {
  std::ranges::sort(hours_, {}, &HourOfOctets::hour);
}

void ByteBudget::received(UnixTime now, std::uint64_t octets) {
  if (!has_limit()) return;
  const std::int64_t hour = hour_of(now);
  // Also what a clock that was set back has put into the future goes.
  std::erase_if(hours_, [hour](const HourOfOctets& each) {
    return each.hour <= hour - kCountsFor || each.hour >= hour + kCountsFor;
  });
  const auto at = std::ranges::lower_bound(hours_, hour, {}, &HourOfOctets::hour);
  if (at != hours_.end() && at->hour == hour)
    at->octets = saturated_sum(at->octets, octets);
  else
    hours_.insert(at, {hour, octets});
}

std::vector<HourOfOctets> ByteBudget::remembered(UnixTime now) const {
  std::vector<HourOfOctets> counting = hours_;
  std::erase_if(counting, [hour = hour_of(now)](const HourOfOctets& each) {
    return each.hour <= hour - kCountsFor || each.hour >= hour + kCountsFor;
  });
  return counting;
}

std::uint64_t ByteBudget::used(UnixTime now) const {
  const std::vector<HourOfOctets> counting = remembered(now);
  return std::accumulate(counting.begin(), counting.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const HourOfOctets& each) { return saturated_sum(sum, each.octets); });
}

std::uint64_t ByteBudget::share(FetchKind kind) const noexcept {
  return kind == FetchKind::kNewMail ? limit_ : limit_ - limit_ / 10;
}

std::uint64_t ByteBudget::room(UnixTime now, FetchKind kind) const {
  if (!has_limit()) return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t taken = used(now);
  return taken >= share(kind) ? 0 : share(kind) - taken;
}

UnixTime ByteBudget::room_at(UnixTime now, FetchKind kind) const {
  if (room(now, kind) != 0) return now;
  std::uint64_t left = used(now);
  for (const HourOfOctets& each : remembered(now)) {
    left -= std::min(left, each.octets);
    if (left < share(kind)) return UnixTime(std::chrono::hours(each.hour + kCountsFor));
  }
  return now;
}

} // namespace mailmoor::mailbox
