// Where all tokens of one app registration line up to be renewed.
//   pace      at most so many requests a minute, evenly spaced; first the token that is needed first
//   pause     what the token endpoint imposed on one holds for all, a restart included (P9)
//   breaker   where the app itself is refused nobody asks but one probe, with one alarm for all (see app_breaker.h);
//             where that is in doubt one asks at a time, once the answers that were on their way have come
// Owned by the app's OauthClient; outlives the tokens that stand in line. Loop thread only.
#pragma once

#include "mailbox/app_breaker.h"
#include "mailbox/services.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task.h"

#include <chrono>
#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace mailmoor::mailbox {

// Ten a second: 5,000 tokens that ran out in an outage are renewed in under nine minutes, while 5,000 tokens that live
// for an hour need 135 a minute; and no provider is known to mind it.
inline constexpr int kRefreshesPerMinute = 600;
// The longest wait of oauth/refresh_policy.h, a day and a tenth of it. A plan further ahead was made when the clock was
// wrong.
inline constexpr std::chrono::milliseconds kLongestAppWait = std::chrono::hours(24) + std::chrono::hours(24) / 10;

class AppGate final {
 public:
  AppGate(const Services& services, std::string app_name, int per_minute);
  AppGate(const AppGate&) = delete;
  AppGate& operator=(const AppGate&) = delete;

  // How soon a token is needed. Those that nobody waits for and whose access token has ended come after all others.
  struct Urgency {
    bool idle = false;
    runtime::WallTime by{};
    [[nodiscard]] auto operator<=>(const Urgency&) const = default;
  };

  // One token's place. `on_turn`: take_turn() will say yes; `on_recovery`: the app is served again, those that were
  // refused may ask again. Both mark and schedule only.
  class Place final {
   public:
    Place(AppGate& gate, std::string token_id, std::function<void()> on_turn, std::function<void()> on_recovery);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

    // Whether there is a token to renew at all.
    void has_token(bool has) noexcept { has_token_ = has; }
    // Takes the turn if it has come; else stands in line, at the place that the urgency gives.
    [[nodiscard]] bool take_turn(Urgency urgency);
    // Wants no turn any more.
    void leave() noexcept;
    [[nodiscard]] bool is_waiting() const noexcept { return waiting_; }

    // How it went after take_turn() said yes: as soon as it is known, for a later answer may say something else. The
    // first two may be told at any time.
    void served();
    // True: the alarm of the app tells of it, so the token need not.
    [[nodiscard]] bool refused(const Error& error);
    void unanswered();

   private:
    friend class AppGate;
    // Whether it was the probe.
    bool end_turn() noexcept;

    AppGate& gate_;
    std::string token_id_;
    std::function<void()> on_turn_;
    std::function<void()> on_recovery_;
    Urgency urgency_;
    bool has_token_ = false;
    bool waiting_ = false;
    bool granted_ = false;
    bool asking_ = false; // from the grant to the answer
  };

  // REQUIRES: per_minute ≥ 1
  void set_rate(int per_minute);
  // The token endpoint's word on waiting, as a wait from now on.
  void pause(std::chrono::milliseconds imposed, const Error& error);
  // The operator has done something that may have mended the app: one token asks now, if the app is refused.
  void ask_soon();

  // The end of the pause that the token endpoint imposed; empty outside one.
  [[nodiscard]] std::optional<UnixTime> imposed_pause() const {
    return is_paused() ? std::optional(pause_end()) : std::nullopt;
  }
  // Why no token of this app is renewed now, for people: the app is refused, or a pause was imposed. Empty: they are.
  [[nodiscard]] std::optional<Error> obstacle() const;
  // The same, if a person must do something about it.
  [[nodiscard]] std::optional<Error> fault() const;
  // When the first request may go out while there is an obstacle.
  [[nodiscard]] std::optional<UnixTime> asks_again_at() const;
  [[nodiscard]] UnixTime refused_since() const;
  // An answer of this run of the daemon proves that the app is served.
  [[nodiscard]] bool is_known_to_serve() const noexcept { return served_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size(); }
  [[nodiscard]] const std::string& app_name() const noexcept { return app_name_; }

 private:
  struct ByUrgency {
    [[nodiscard]] bool operator()(const Place* left, const Place* right) const noexcept {
      if (const auto order = left->urgency_ <=> right->urgency_; order != 0) return order < 0;
      return left->token_id_ < right->token_id_;
    }
  };

  [[nodiscard]] runtime::Task<void> load();
  [[nodiscard]] bool is_paused() const;
  [[nodiscard]] UnixTime pause_end() const;
  [[nodiscard]] bool waits_for_answers() const;
  [[nodiscard]] bool is_due() const;
  [[nodiscard]] std::size_t tokens() const;
  void let_all_ask();
  void grant();
  void arm();
  void tell_fault(const Error& error);

  const Services& services_;
  std::string app_name_;
  runtime::Duration gap_{};
  runtime::MonoTime last_turn_; // at first longer ago than any gap
  std::set<Place*, ByUrgency> queue_;
  std::set<Place*> places_; // all there are
  AppBreaker breaker_;
  std::size_t asking_ = 0;         // whose answers are awaited
  Place* probing_ = nullptr;       // who asks while the app is refused
  runtime::MonoTime pause_ends_{}; // whatever becomes of the wall clock meanwhile
  std::string pause_code_;
  std::string pause_reason_;
  std::string told_code_; // of the alarm that stands in the log; empty: none
  bool loaded_ = false;
  bool served_ = false;
  runtime::Timer timer_;
  runtime::TaskRunner<void> loader_;
};

} // namespace mailmoor::mailbox
