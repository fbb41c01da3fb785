#include "oauth/refresh_policy.h"

#include <algorithm>
#include <cassert>

namespace mailmoor::oauth {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// MSAL takes a token with less than 5 minutes as expired; a session opened with one is not worth its login.
constexpr seconds kMargin = minutes(5);
// Up to here a margin of 5 minutes would be half of the life or more; fractions serve instead.
constexpr seconds kShortLife = minutes(10);
constexpr seconds kDaily = hours(24);

constexpr milliseconds kFirstRetry = seconds(2);
// While the endpoint is down the access token lives on: minutes are soon enough, and 5000 accounts must not hammer it.
constexpr milliseconds kSlowestRetry = minutes(15);
constexpr milliseconds kFirstProbe = hours(1);
constexpr milliseconds kSlowestProbe = hours(24);
constexpr milliseconds kLongestImposed = hours(24);

template<class Duration>
Duration scaled(Duration duration, double factor) {
  return Duration(static_cast<typename Duration::rep>(static_cast<double>(duration.count()) * factor));
}

// first, 2·first, 4·first … up to `cap`
milliseconds doubled(milliseconds first, int failures, milliseconds cap) {
  assert(failures >= 1);
  milliseconds delay = first;
  for (int i = 1; i < failures && delay < cap; ++i)
    delay *= 2;
  return std::min(delay, cap);
}

} // namespace

TokenTimes token_times(const TokenGrant& grant, UnixTime asked_at) {
  TokenTimes times{.obtained_at = asked_at, .expires_at = asked_at + grant.expires_in, .refresh_at = {}};
  if (grant.refresh_in) times.refresh_at = asked_at + *grant.refresh_in;
  return times;
}

UnixTime next_refresh(const TokenTimes& times, double random01) {
  assert(random01 >= 0 && random01 < 1);
  const seconds life = times.expires_at - times.obtained_at;
  if (life <= seconds(0)) return times.obtained_at;
  const seconds quarter =
      (life + seconds(3)) / 4; // rounded up: even a token of two seconds is refreshed before its end
  const seconds latest = std::min(life > kShortLife ? life - kMargin : life - quarter, kDaily);
  seconds from = std::min(life / 2, kDaily - kDaily / 4);
  seconds until = std::min(life - quarter, latest);
  if (times.refresh_at) {
    // Some room before `latest`, however late refresh_in is: who signed in together must not refresh together.
    from = std::clamp(*times.refresh_at - times.obtained_at, seconds(0), latest - latest / 10);
    until = std::min(from + life / 10, latest);
  }
  return times.obtained_at + from + scaled(until - from, random01);
}

UnixTime reconnect_before(const TokenTimes& times) {
  const seconds life = times.expires_at - times.obtained_at;
  if (life <= seconds(0)) return times.obtained_at;
  return times.expires_at - (life > kShortLife ? kMargin : std::max(life / 8, seconds(1)));
}

milliseconds refresh_retry_delay(int consecutive_failures, double random01, std::optional<milliseconds> imposed) {
  assert(random01 >= 0 && random01 < 1);
  const milliseconds own = scaled(doubled(kFirstRetry, consecutive_failures, kSlowestRetry), 0.5 + random01 / 2);
  if (!imposed) return own;
  const milliseconds law = std::clamp(*imposed, milliseconds(0), kLongestImposed);
  return std::max(own, law + scaled(law / 10, random01));
}

milliseconds slow_probe_delay(int consecutive_failures, double random01) {
  assert(random01 >= 0 && random01 < 1);
  const milliseconds delay = doubled(kFirstProbe, consecutive_failures, kSlowestProbe);
  return std::min(delay + scaled(delay / 4, random01), kSlowestProbe);
}

} // namespace mailmoor::oauth
