#include "mailbox/pace.h"

#include <algorithm>
#include <cmath>

namespace mailmoor::mailbox {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kCut = 0.5;
constexpr double kGrowth = 1.1;
constexpr runtime::Duration kGrowsAfter = minutes(5);
// A longer silence is no fetching.
constexpr runtime::Duration kLongestGap = seconds(30);
constexpr runtime::Duration kOneCutIn = minutes(1);
// Where the server says so before anything was fetched: half of it, 4 a second, is what imapsync gives Exchange.
constexpr double kUnmeasured = 8;
// A mailbox that is told so again and again still gets its mail, 360 messages an hour; above the upper one a limit is
// none.
constexpr double kSlowest = 0.1;
constexpr double kFastest = 200;
// What is saved up while nothing is asked for, so that a pause does not end in a burst.
constexpr double kBurstSeconds = 1;

[[nodiscard]] double seconds_of(runtime::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

} // namespace

Pace::Pace(std::optional<double> limit) {
  if (limit && *limit < kFastest) limit_ = std::max(*limit, kSlowest);
}

void Pace::refill(runtime::MonoTime now) {
  const double burst = std::max(1.0, *limit_ * kBurstSeconds);
  saved_ = std::min(burst, saved_ + *limit_ * seconds_of(std::max(now - refilled_, runtime::Duration::zero())));
  refilled_ = now;
}

std::uint64_t Pace::room(runtime::MonoTime now) {
  if (!limit_) return kUnlimited;
  refill(now);
  return static_cast<std::uint64_t>(std::max(saved_, 0.0));
}

runtime::MonoTime Pace::next_room(runtime::MonoTime now) {
  if (room(now) != 0) return now;
  const double missing = (1.0 - saved_) / *limit_;
  // One more: the two roundings must not end a wait before there is room.
  return now + runtime::Duration(static_cast<runtime::Duration::rep>(std::ceil(missing * 1e6)) + 1);
}

void Pace::asked(std::uint64_t messages) noexcept {
  if (limit_) saved_ -= static_cast<double>(messages);
}

bool Pace::arrived(runtime::MonoTime now) {
  const runtime::Duration since = last_arrival_ ? now - *last_arrival_ : runtime::Duration::zero();
  last_arrival_ = now;
  if (!limit_) return false;
  clean_ += std::clamp(since, runtime::Duration::zero(), kLongestGap);
  if (clean_ < kGrowsAfter) return false;
  clean_ -= kGrowsAfter;
  limit_ = *limit_ * kGrowth;
  if (*limit_ >= kFastest) limit_.reset();
  return true;
}

void Pace::throttled(runtime::MonoTime now, std::optional<double> measured) {
  double before = measured.value_or(limit_.value_or(kUnmeasured));
  if (limit_) before = std::min(before, *limit_);
  limit_ = std::clamp(before * kCut, kSlowest, kFastest);
  saved_ = 0;
  refilled_ = now;
  cut_ = now;
  clean_ = {};
  last_arrival_.reset();
}

bool Pace::slowed_down(runtime::MonoTime now, std::optional<double> measured) {
  if (cut_ && now - *cut_ < kOneCutIn) return false;
  throttled(now, measured);
  return true;
}

} // namespace mailmoor::mailbox
