// The part of a mailbox's life between two sessions: what a fault means, how long it waits, and the pauses that a
// server imposes (P9).
#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/back_off.h"
#include "mailbox/mailbox.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Both clocks are read in whole steps: without it a pause could end within the millisecond in which it should.
constexpr milliseconds kClockStep{1};
// Nothing longer is imposed: what a record says beyond it is the doing of a clock that was set.
constexpr std::chrono::hours kLongestPause{24};

[[nodiscard]] MailboxState state_after(const Error& error, bool imposed) {
  if (error.code == "login_needed" || error.code == "password_needed" || error.code == "password_rejected")
    return MailboxState::kNeedsLogin;
  if (imposed) return MailboxState::kThrottled;
  const bool needs_someone = error.kind == ErrorKind::kOperator || error.kind == ErrorKind::kApp;
  return needs_someone ? MailboxState::kFailed : MailboxState::kBackingOff;
}

} // namespace

runtime::Duration Mailbox::left_of_pause() const {
  return std::max(pause_ends_ - services_.loop.now(), runtime::Duration::zero());
}

std::optional<UnixTime> Mailbox::imposed_pause() const {
  const runtime::Duration left = left_of_pause();
  if (left == runtime::Duration::zero()) return std::nullopt;
  return std::chrono::ceil<seconds>(services_.loop.wall_now() + left);
}

// After a restart: the rest of what was imposed is kept. A wait of our own choice is not: who restarts the daemon has
// mended something, or wants to see; the ladder goes on where it was.
void Mailbox::resume_waits() {
  if (!record_.retry_imposed || !record_.retry_at) return;
  const runtime::Duration left =
      std::min<runtime::Duration>(*record_.retry_at - services_.loop.wall_now(), kLongestPause);
  pause_ends_ = std::max(pause_ends_, runtime::later(services_.loop.now(), left));
}

void Mailbox::impose(const Error& error) {
  const milliseconds wait = *error.imposed_wait + kClockStep;
  const runtime::MonoTime ends = runtime::later(services_.loop.now(), wait);
  if (ends <= pause_ends_) return;
  pause_ends_ = ends;
  record_.retry_at = services_.loop.wall_now() + wait;
  record_.retry_imposed = true;
  record_.retry_reason = error.what;
  record_.error_code = error.code;
}

void Mailbox::heed_pause(const Error& error) {
  Error pause = error;
  if (error.code == "over_quota") {
    pause.imposed_wait = over_quota_wait(count_fault(error, runtime::Duration::zero()));
  }
  impose(pause);
  save();
  // Nothing more is said here: neither the next command nor DONE.
  if (connection_ != nullptr) connection_->heed(Error(ErrorKind::kMailbox, record_.error_code, record_.retry_reason));
  poke();
}

int& Mailbox::faults_of(Ladder ladder) noexcept {
  switch (ladder) {
  case Ladder::kPassing: return record_.failures;
  case Ladder::kNeedsSomeone: return record_.failures_for_someone;
  case Ladder::kOverQuota: return record_.times_over_quota;
  }
  return record_.failures;
}

int Mailbox::count_fault(const Error& error, runtime::Duration lasted) {
  int& faults = faults_of(ladder_of(error));
  const int before = faults;
  if (lasted >= kStableAfter) forget_faults();
  faults = count_faults(error, record_.error_code, before, lasted);
  return faults;
}

void Mailbox::forget_faults() noexcept {
  record_.failures = 0;
  record_.failures_for_someone = 0;
  record_.times_over_quota = 0;
}

void Mailbox::settle(const Result<Leave>& ended) {
  leave_at_.reset();
  const runtime::Duration lasted = logged_in_at_ ? services_.loop.now() - *logged_in_at_ : runtime::Duration::zero();
  quick_.session_ended(lasted, passed_, fetched_ != fetched_before_);
  if (ended) {
    signed_out_ = false;
    // Ended by our own choice, with all done: the next fault is the first one, however short the session was.
    if (passed_) forget_faults();
    return;
  }
  const std::string& code = ended.error().code;
  // Sessions end like that: the token was used up before we left, the server's time for a session was over.
  const bool is_in_order = code == "token_expired" || (code == "session_expired" && passed_ && lasted >= kStableAfter);
  if (is_in_order) {
    log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = code}, ended.error().what);
    sync_wanted_ = true; // whatever was under way
    token_is_over_ = code == "token_expired";
    // At once with a new token; but a server that calls each new one expired is backed off from.
    const bool is_first = token_is_over_ && ++early_ends_ == 1;
    if (is_first || lasted >= seconds(30)) return;
  }
  take_fault(ended.error(), lasted);
}

void Mailbox::take_fault(const Error& error, runtime::Duration lasted) {
  services_.counters.count(error);
  const bool asked_inside = imposed_pause() && !error.imposed_wait && error.code == record_.error_code;
  const double chance = services_.random01();
  const std::optional<milliseconds> quick = quick_.after(error, chance);
  const int faults = asked_inside || quick ? faults_of(ladder_of(error)) : count_fault(error, lasted);
  Error fault = error;
  if (fault.code == "over_quota" && !imposed_pause()) fault.imposed_wait = over_quota_wait(faults);
  const milliseconds own =
      std::chrono::duration_cast<milliseconds>(services_.scaled(quick.value_or(back_off(fault, faults, chance))));
  if (fault.imposed_wait) fault.imposed_wait = std::max(own, *fault.imposed_wait);
  if (fault.imposed_wait) {
    impose(fault);
    tell_pace(allowance_.throttled());
  }
  record_downloads();
  // One that another connection met lasts on, whatever ended this session.
  const bool is_imposed = imposed_pause().has_value();
  if (!is_imposed) {
    record_.retry_at = services_.loop.wall_now() + own;
    record_.retry_imposed = false;
    record_.retry_reason = fault.what;
    record_.error_code = fault.code;
  }
  last_error_ = std::move(fault);
  sync_wanted_ = false;
  move_to(state_after(*last_error_, is_imposed));
  save();
  tell_fault(*last_error_);
}

void Mailbox::tell_fault(const Error& error) {
  log::Fields fields{.mailbox = settings_.name, .error = error.code};
  fields.retry_at = std::chrono::ceil<seconds>(*record_.retry_at);
  if (state_ == MailboxState::kNeedsLogin) fields.catalog = &log::events::kNeedsLogin;
  if (state_ == MailboxState::kThrottled) fields.catalog = &log::events::kThrottled;
  if (state_ == MailboxState::kBackingOff) fields.catalog = &log::events::kBackingOff;
  if (state_ == MailboxState::kFailed) fields.catalog = &log::events::kAccessDenied;
  if (error.code == "tls_untrusted") fields.catalog = &log::events::kTlsRefused;
  if (error.code == "disk_full") fields.catalog = &log::events::kDiskFull;
  const bool needs_someone = state_ == MailboxState::kNeedsLogin || state_ == MailboxState::kFailed;
  // A fault of the app is told by the app, once for all its mailboxes.
  if (!waits_for_token_ || error.kind != ErrorKind::kApp)
    services_.faults.raise(needs_someone ? log::Priority::kErr : log::Priority::kWarning, fields,
                           concat(error.what, error.remedy.empty() ? "" : "; ", error.remedy), services_.now());
  if (state_ != MailboxState::kBackingOff) return turn_away_waiters(error);
  // What is over had begun when the others asked, who may have mended something since: it is tried again for them.
  tell_those_served(std::unexpected(error));
  sync_wanted_ = !sync_waiters_.empty();
  end_verifications(error);
}

void Mailbox::recovered() {
  early_ends_ = 0;
  if (last_error_) services_.faults.clear_all(settings_.name, "", services_.now());
  last_error_.reset();
  record_.retry_at.reset();
  record_.retry_imposed = false;
  record_.retry_reason.clear();
  record_.error_code.clear();
}

} // namespace mailmoor::mailbox
