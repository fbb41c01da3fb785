#include "mailbox/fetch_allowance.h"

#include <algorithm>

namespace mailmoor::mailbox {
namespace {

using std::chrono::seconds;

constexpr runtime::Duration kWindow = seconds(60);
// Fewer say nothing of what the server puts up with.
constexpr std::size_t kEnoughToMeasure = 10;
// Where nothing has come yet.
constexpr std::uint64_t kTypicalSize = 64UL * 1024;
// A process that is killed forgets no more than this.
constexpr runtime::Duration kRecordEvery = seconds(60);

} // namespace

void FetchAllowance::remember(const Downloads& before) {
  const std::vector<HourOfOctets> meanwhile = budget_.remembered(services_.now());
  budget_ = ByteBudget(budget_.limit(), before.received);
  for (const HourOfOctets& each : meanwhile)
    budget_.received(UnixTime(std::chrono::hours(each.hour)), each.octets);
  if (!pace_.limit()) pace_ = Pace(before.rate_limit);
  recorded_octets_ = budget_.used(services_.now());
  recorded_at_ = services_.loop.now();
}

Downloads FetchAllowance::remembered() const {
  return {pace_.limit(), budget_.remembered(services_.now())};
}

bool FetchAllowance::is_to_be_recorded() {
  const runtime::MonoTime now = services_.loop.now();
  if (!limit_changed_ && (!budget_.has_limit() || now - recorded_at_ < kRecordEvery)) return false;
  const std::uint64_t octets = budget_.used(services_.now());
  if (!limit_changed_ && octets == recorded_octets_) return false;
  limit_changed_ = false;
  recorded_octets_ = octets;
  recorded_at_ = now;
  return true;
}

std::uint64_t FetchAllowance::typical_size() const noexcept {
  return messages_ < kEnoughToMeasure ? kTypicalSize : std::max<std::uint64_t>(octets_ / messages_, 1);
}

// Sizes are not known before they come: so many of the usual size as fill half of what is left, and one in any case
// where none is on its way.
std::uint64_t FetchAllowance::room(FetchKind kind, std::uint64_t in_flight) {
  const std::uint64_t by_pace = pace_.room(services_.loop.now());
  if (!budget_.has_limit()) return by_pace;
  const std::uint64_t octets = budget_.room(services_.now(), kind);
  const std::uint64_t messages = octets / typical_size();
  const std::uint64_t more = messages > in_flight ? (messages - in_flight) / 2 : 0;
  const std::uint64_t at_least = octets != 0 && in_flight == 0 ? 1 : 0;
  return std::min(by_pace, std::max(more, at_least));
}

std::optional<runtime::Duration> FetchAllowance::wait(FetchKind kind) {
  const runtime::MonoTime now = services_.loop.now();
  if (!grants(kind) || pace_.room(now) != 0) return std::nullopt;
  return pace_.next_room(now) - now;
}

void FetchAllowance::message_arrived(std::uint64_t octets) {
  ++messages_;
  octets_ += octets;
  const runtime::MonoTime now = services_.loop.now();
  arrivals_.push_back(now);
  while (now - arrivals_.front() > kWindow)
    arrivals_.pop_front();
  limit_changed_ = pace_.arrived(now) || limit_changed_;
}

std::size_t FetchAllowance::recent_arrivals() const {
  const runtime::MonoTime horizon = services_.loop.now() - kWindow;
  const auto first = std::ranges::upper_bound(arrivals_, horizon);
  return static_cast<std::size_t>(std::distance(first, arrivals_.end()));
}

std::optional<double> FetchAllowance::measured() const {
  const std::size_t count = recent_arrivals();
  if (count < kEnoughToMeasure) return std::nullopt;
  const runtime::MonoTime first = arrivals_[arrivals_.size() - count];
  const runtime::Duration span = std::max<runtime::Duration>(services_.loop.now() - first, seconds(1));
  return static_cast<double>(count) / std::chrono::duration<double>(span).count();
}

FetchAllowance::Change FetchAllowance::throttled() {
  Change change{pace_.limit(), 0};
  pace_.throttled(services_.loop.now(), measured());
  change.now = *pace_.limit();
  limit_changed_ = true;
  return change;
}

std::optional<FetchAllowance::Change> FetchAllowance::slowed_down() {
  Change change{pace_.limit(), 0};
  if (!pace_.slowed_down(services_.loop.now(), measured())) return std::nullopt;
  change.now = *pace_.limit();
  limit_changed_ = true;
  return change;
}

} // namespace mailmoor::mailbox
