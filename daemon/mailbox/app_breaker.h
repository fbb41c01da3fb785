// Whether an app registration is served at all by its authorization server: what the answers to its sign-ins add up to.
//
// States: serving → doubted (one sign-in was told that the app is at fault) → shut (a second one was: nobody asks but
// one probe at a time, on a slow schedule) → serving. A single answer does not shut the app where there are others to
// ask: a code that blames the app may be about one user's tenant only. An answer about an account proves that the app
// is served.
// Pure: times and chance come from the caller. Owned by the app's gate. Loop thread only.
#pragma once

#include "runtime/clock.h"
#include "util/error.h"

#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::mailbox {

class AppBreaker final {
 public:
  // `time_scale`: see mailbox/services.h.
  explicit AppBreaker(double time_scale = 1.0) : time_scale_(time_scale) {}

  enum class State { kServing, kDoubted, kShut };

  // The sign-in `token_id` got an answer that blames the app. `is_alone`: no other sign-in of the app has a token.
  // `random01` in [0, 1).
  void refused(std::string_view token_id, const Error& error, bool is_alone, runtime::WallTime now, double random01);
  // A token, or an answer about one account. True: this opened it.
  [[nodiscard]] bool served(runtime::WallTime now);
  // No answer of the app: tells nothing, but the next probe waits a little.
  void unanswered(runtime::WallTime now, double random01);
  // The operator has done something: the next probe may come now, or a minute after the last one.
  void ask_soon(runtime::WallTime now);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool is_shut() const noexcept { return state_ == State::kShut; }
  // When the next probe may go out. Meaningful while shut.
  [[nodiscard]] runtime::WallTime probe_at() const noexcept { return probe_at_; }
  // A clock that was years ahead when the probe was planned must not keep the app shut for years.
  void limit_wait(runtime::WallTime farthest) noexcept;
  // What the app is accused of; empty while it serves.
  [[nodiscard]] const std::optional<Error>& fault() const noexcept { return fault_; }
  [[nodiscard]] runtime::WallTime since() const noexcept { return since_; }

 private:
  void probe_in(std::chrono::milliseconds own, runtime::WallTime now);

  double time_scale_;
  State state_ = State::kServing;
  std::optional<Error> fault_;
  std::string accuser_; // token id of the sign-in that raised the doubt
  int probes_ = 0;      // refused in a row while shut, the one that shut it included
  int unanswered_ = 0;
  runtime::WallTime probe_at_{};
  runtime::WallTime since_{};      // of the state
  runtime::WallTime refused_at_{}; // last
};

} // namespace mailmoor::mailbox
