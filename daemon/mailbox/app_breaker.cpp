#include "mailbox/app_breaker.h"

#include "oauth/refresh_policy.h"

#include <algorithm>

namespace mailmoor::mailbox {
namespace {

// A clock is set right within minutes of the alarm, and the probe costs the server nothing that it minds.
constexpr std::chrono::minutes kClockProbe{10};
constexpr std::chrono::minutes kLeastGap{1};

} // namespace

void AppBreaker::refused(std::string_view token_id, const Error& error, bool is_alone, runtime::WallTime now,
                         double random01) {
  const bool shuts =
      state_ == State::kServing ? is_alone : state_ == State::kDoubted && (is_alone || accuser_ != token_id);
  if (state_ == State::kServing) {
    accuser_ = token_id;
    since_ = now;
    state_ = State::kDoubted;
  }
  fault_ = error;
  refused_at_ = now;
  unanswered_ = 0;
  if (shuts) {
    state_ = State::kShut;
    since_ = now;
    probes_ = 0;
  }
  if (!is_shut()) return;
  std::chrono::milliseconds delay = oauth::slow_probe_delay(++probes_, random01);
  if (error.code == "clock_wrong") delay = std::min<std::chrono::milliseconds>(delay, kClockProbe);
  probe_in(delay, now);
}

void AppBreaker::probe_in(std::chrono::milliseconds own, runtime::WallTime now) {
  probe_at_ = now + std::chrono::milliseconds(
                        static_cast<std::chrono::milliseconds::rep>(static_cast<double>(own.count()) * time_scale_));
}

bool AppBreaker::served(runtime::WallTime now) {
  const bool opens = is_shut();
  if (state_ != State::kServing) since_ = now;
  state_ = State::kServing;
  fault_.reset();
  probes_ = 0;
  unanswered_ = 0;
  return opens;
}

void AppBreaker::unanswered(runtime::WallTime now, double random01) {
  if (is_shut()) probe_in(oauth::refresh_retry_delay(++unanswered_, random01), now);
}

void AppBreaker::ask_soon(runtime::WallTime now) {
  probe_at_ = std::min(probe_at_, std::max(now, refused_at_ + kLeastGap));
}

void AppBreaker::limit_wait(runtime::WallTime farthest) noexcept {
  probe_at_ = std::min(probe_at_, farthest);
}

} // namespace mailmoor::mailbox
