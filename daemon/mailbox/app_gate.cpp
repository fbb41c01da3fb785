#include "mailbox/app_gate.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "oauth/refresh_policy.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A wait is cut into pieces this long, so that a jump of the wall clock is noticed within one.
constexpr runtime::Duration kLongestNap = seconds(30);

// No mailbox can have this name.
[[nodiscard]] std::string pause_row(const std::string& app_name) {
  return concat("app ", app_name);
}

} // namespace

AppGate::Place::Place(AppGate& gate, std::string token_id, std::function<void()> on_turn,
                      std::function<void()> on_recovery)
    : gate_(gate), token_id_(std::move(token_id)), on_turn_(std::move(on_turn)), on_recovery_(std::move(on_recovery)) {
  gate_.places_.insert(this);
}

AppGate::Place::~Place() {
  leave();
  gate_.places_.erase(this);
}

bool AppGate::Place::take_turn(Urgency urgency) {
  if (std::exchange(granted_, false)) return true;
  if (waiting_) {
    if (urgency == urgency_) return false;
    gate_.queue_.erase(this);
  }
  urgency_ = urgency;
  waiting_ = true;
  gate_.queue_.insert(this);
  gate_.grant();
  return std::exchange(granted_, false);
}

void AppGate::Place::leave() noexcept {
  if (std::exchange(waiting_, false)) gate_.queue_.erase(this);
  granted_ = false;
  end_turn();
  gate_.arm();
}

bool AppGate::Place::end_turn() noexcept {
  if (std::exchange(asking_, false)) --gate_.asking_;
  const bool was_probe = gate_.probing_ == this;
  if (was_probe) gate_.probing_ = nullptr;
  return was_probe;
}

void AppGate::Place::served() {
  end_turn();
  gate_.served_ = true;
  const bool opened = gate_.breaker_.served(gate_.services_.loop.wall_now());
  if (opened) {
    gate_.let_all_ask();
    gate_.services_.faults.clear_app(gate_.app_name_, gate_.told_code_, gate_.services_.now());
    gate_.told_code_.clear();
  }
  gate_.arm();
}

bool AppGate::Place::refused(const Error& error) {
  const bool was_probe = end_turn();
  // Asked before the app was shut: nothing new, and no step towards a later probe.
  if (gate_.breaker_.is_shut() && !was_probe) {
    gate_.arm();
    return true;
  }
  const Services& services = gate_.services_;
  gate_.breaker_.refused(token_id_, error, gate_.tokens() <= 1, services.loop.wall_now(), services.random01());
  gate_.served_ = gate_.served_ && !gate_.breaker_.is_shut();
  if (gate_.breaker_.is_shut()) gate_.tell_fault(error);
  gate_.arm();
  return gate_.breaker_.is_shut();
}

void AppGate::Place::unanswered() {
  if (end_turn()) gate_.breaker_.unanswered(gate_.services_.loop.wall_now(), gate_.services_.random01());
  gate_.arm();
}

AppGate::AppGate(const Services& services, std::string app_name, int per_minute)
    : services_(services), app_name_(std::move(app_name)), last_turn_(services.loop.now() - hours(1)),
      breaker_(services.time_scale), timer_(services.loop, [this] { grant(); }) {
  set_rate(per_minute);
  loader_.start(load(), [] {});
}

runtime::Task<void> AppGate::load() {
  auto job = [this] { return services_.state.load_mailbox_blocking(pause_row(app_name_)); };
  const Result<store::StoredMailbox> stored = co_await services_.store_thread.run(std::move(job));
  loaded_ = true;
  if (stored && stored->record.retry_imposed && stored->record.retry_at) {
    const milliseconds left = std::min(*stored->record.retry_at - services_.loop.wall_now(), kLongestAppWait);
    pause_ends_ = std::max(pause_ends_, runtime::later(services_.loop.now(), left));
    pause_code_ = stored->record.error_code;
    pause_reason_ = stored->record.retry_reason;
  }
  grant();
}

void AppGate::set_rate(int per_minute) {
  gap_ = services_.scaled(std::chrono::duration_cast<runtime::Duration>(std::chrono::minutes(1)) / per_minute);
  arm();
}

void AppGate::pause(milliseconds imposed, const Error& error) {
  const milliseconds wait = std::clamp(imposed, milliseconds(0), milliseconds(hours(24)));
  const runtime::MonoTime end = runtime::later(services_.loop.now(), wait);
  if (end <= pause_ends_) return;
  pause_ends_ = end;
  pause_code_ = error.code;
  pause_reason_ = error.what;
  store::MailboxRecord record;
  record.retry_at = services_.loop.wall_now() + wait;
  record.retry_imposed = true;
  record.retry_reason = pause_reason_;
  record.error_code = pause_code_;
  services_.store_thread.run_detached([&state = services_.state, app = app_name_, record] {
    const Status saved = state.save_mailbox_blocking(pause_row(app), record);
    if (!saved)
      log::write(
          log::Priority::kErr, {.app = app, .event = "state_not_recorded", .error = saved.error().code},
          concat("the pause that the token endpoint of app ", app,
                 " imposed could not be recorded: it is kept, and a restart would forget it: ", saved.error().what));
  });
  arm();
}

void AppGate::ask_soon() {
  if (!breaker_.is_shut()) return;
  breaker_.ask_soon(services_.loop.wall_now());
  let_all_ask();
  arm();
}

bool AppGate::is_paused() const {
  return services_.loop.now() < pause_ends_;
}

UnixTime AppGate::pause_end() const {
  const auto left = std::chrono::duration_cast<milliseconds>(pause_ends_ - services_.loop.now());
  return std::chrono::ceil<seconds>(services_.loop.wall_now() + left);
}

std::size_t AppGate::tokens() const {
  return static_cast<std::size_t>(std::ranges::count_if(places_, [](const Place* place) { return place->has_token_; }));
}

void AppGate::let_all_ask() {
  for (const Place* place : places_)
    place->on_recovery_();
}

bool AppGate::waits_for_answers() const {
  switch (breaker_.state()) {
  case AppBreaker::State::kServing: return false;
  case AppBreaker::State::kDoubted: return asking_ != 0;
  case AppBreaker::State::kShut: return probing_ != nullptr;
  }
  return false;
}

bool AppGate::is_due() const {
  if (!loaded_ || is_paused() || waits_for_answers() || services_.loop.now() < last_turn_ + gap_) return false;
  return !breaker_.is_shut() || services_.loop.wall_now() >= breaker_.probe_at();
}

// Lets the first one go if it may, and plans for the next.
void AppGate::grant() {
  breaker_.limit_wait(services_.loop.wall_now() + kLongestAppWait);
  if (!queue_.empty() && is_due()) {
    Place* const first = *queue_.begin();
    queue_.erase(queue_.begin());
    first->waiting_ = false;
    first->granted_ = true;
    first->asking_ = true;
    ++asking_;
    last_turn_ = services_.loop.now();
    if (breaker_.is_shut()) probing_ = first;
    first->on_turn_();
  }
  arm();
}

void AppGate::arm() {
  if (queue_.empty() || !loaded_ || waits_for_answers()) return timer_.stop();
  runtime::MonoTime due = std::max(last_turn_ + gap_, pause_ends_);
  if (breaker_.is_shut()) {
    const runtime::Duration left = breaker_.probe_at() - services_.loop.wall_now();
    due = std::max(due, runtime::later(services_.loop.now(), std::min(left, kLongestNap)));
  }
  timer_.start_at(due);
}

void AppGate::tell_fault(const Error& error) {
  if (!told_code_.empty() && told_code_ != error.code)
    services_.faults.clear_app(app_name_, told_code_, services_.now());
  told_code_ = error.code;
  const std::size_t count = tokens();
  log::Fields fields{.app = app_name_, .error = error.code, .catalog = &log::events::kAppMisconfigured};
  fields.retry_at = std::chrono::ceil<seconds>(breaker_.probe_at());
  services_.faults.raise(log::Priority::kErr, fields,
                         concat("app ", app_name_, " is refused as a whole: ", error.what, "; its ", count,
                                count == 1 ? " sign-in waits" : " sign-ins wait",
                                ", mail goes on while their access tokens live; ", error.remedy),
                         services_.now());
}

std::optional<Error> AppGate::fault() const {
  if (!breaker_.is_shut()) return std::nullopt;
  Error error = *breaker_.fault();
  error.imposed_wait.reset();
  error.what = concat("app ", app_name_, " is refused as a whole: ", error.what);
  return error;
}

std::optional<Error> AppGate::obstacle() const {
  if (auto refused = fault()) return refused;
  if (!is_paused()) return std::nullopt;
  return Error(ErrorKind::kHost, pause_code_.empty() ? "token_endpoint_unavailable" : pause_code_,
               concat("the token endpoint of app ", app_name_, " imposed a pause until ", to_rfc3339(pause_end()),
                      pause_reason_.empty() ? "" : ": ", pause_reason_));
}

std::optional<UnixTime> AppGate::asks_again_at() const {
  const std::optional<UnixTime> paused = is_paused() ? std::optional(pause_end()) : std::nullopt;
  if (!breaker_.is_shut()) return paused;
  const UnixTime probe = std::chrono::ceil<seconds>(breaker_.probe_at());
  return std::max(probe, paused.value_or(probe));
}

UnixTime AppGate::refused_since() const {
  return std::chrono::floor<seconds>(breaker_.since());
}

} // namespace mailmoor::mailbox
