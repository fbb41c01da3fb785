// When to refresh a token, when to leave a session that uses it, when to try again. Pure functions; `random01` is
// uniform in [0, 1) and comes from the caller.
#pragma once

#include "oauth/reply.h"
#include "util/time_text.h"

#include <chrono>
#include <optional>

namespace mailmoor::oauth {

struct TokenTimes {
  UnixTime obtained_at;
  UnixTime expires_at;
  std::optional<UnixTime> refresh_at; // the server's refresh_in
};

// `asked_at`: when the request was sent, so that the times err on the early side.
[[nodiscard]] TokenTimes token_times(const TokenGrant& grant, UnixTime asked_at);

// At refresh_at plus up to a tenth of the life, or else uniformly between a half and three quarters of the life. Never
// later than 5 minutes before expiry (a quarter of the life where that is 10 minutes or less), never later than a day
// after obtained_at: a refresh token that is not used for 90 days dies. Times out of order: obtained_at, so now.
[[nodiscard]] UnixTime next_refresh(const TokenTimes& times, double random01);

// When to replace a session that was opened with this token (Exchange cuts it at expiry): 5 minutes before expiry, or
// an eighth of the life where that is 10 minutes or less. Not before the latest next_refresh().
[[nodiscard]] UnixTime reconnect_before(const TokenTimes& times);

// After `consecutive_failures` ≥ 1 of class kRetry: 2 s doubling to 15 min, the later half of it by chance. Never
// sooner than `imposed` (P9; above 24 h taken as 24 h), then spread by up to a tenth of it.
[[nodiscard]] std::chrono::milliseconds refresh_retry_delay(int consecutive_failures, double random01,
                                                            std::optional<std::chrono::milliseconds> imposed = {});

// After `consecutive_failures` ≥ 1 that need a person: 1 h doubling to 24 h, spread by up to a quarter. The token is
// kept and tried again because policies, locks and consents change on the server's side.
[[nodiscard]] std::chrono::milliseconds slow_probe_delay(int consecutive_failures, double random01);

} // namespace mailmoor::oauth
