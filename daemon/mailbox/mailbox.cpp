#include "mailbox/mailbox.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/back_off.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A wait is cut into pieces this long, so that a jump of the wall clock is noticed within one.
constexpr runtime::Duration kLongestNap = seconds(30);
// A mailbox that has not moved for so long past a wait's known end is stuck.
constexpr runtime::Duration kProgressSlack = std::chrono::minutes(5);
constexpr runtime::Duration kRateWindow = seconds(60);

[[nodiscard]] MailboxState state_after(const Error& error, bool imposed) {
  if (error.code == "login_needed" || error.code == "password_needed" || error.code == "password_rejected")
    return MailboxState::kNeedsLogin;
  if (imposed) return MailboxState::kThrottled;
  const bool needs_someone = error.kind == ErrorKind::kOperator || error.kind == ErrorKind::kApp;
  return needs_someone ? MailboxState::kFailed : MailboxState::kBackingOff;
}

} // namespace

Mailbox::Mailbox(const Services& services, MailboxSettings settings, TokenKeeper* keeper, Admission admit)
    : services_(services), settings_(std::move(settings)), keeper_(keeper), admit_(std::move(admit)),
      since_(services.now()), wake_(services.loop), finished_(services.loop), settled_(services.loop),
      settling_(services.loop) {}

Mailbox::~Mailbox() = default;

void Mailbox::start() {
  if (keeper_ != nullptr) token_watch_.start(watch_token(), [] {});
  life_.start(live(), [] {});
}

runtime::Task<void> Mailbox::live() {
  auto loading = load();
  co_await loading;
  while (!stopping_) {
    auto waiting = wait_for_turn();
    co_await waiting;
    if (stopping_) break;
    const runtime::MonoTime began = services_.loop.now();
    auto session = run_session();
    const Result<Leave> ended = co_await session;
    settle(ended, services_.loop.now() - began);
    if (settings_.once) break; // the caller sees what came of it
  }
  progress_due_ = runtime::MonoTime::max();
  dismiss_waiters();
  finished_.set();
}

void Mailbox::dismiss_waiters() {
  const Error leaving(ErrorKind::kMailbox, "stopping", concat(settings_.name, " is being stopped"));
  for (auto& [ticket, done] : std::exchange(sync_waiters_, {}))
    done(std::unexpected(leaving));
  end_verifications(leaving);
}

// A new token, or none any more, ends a wait for one.
runtime::Task<void> Mailbox::watch_token() {
  while (true) {
    co_await keeper_->changed().wait_until(runtime::MonoTime::max());
    if (waits_for_token_ && keeper_->has_live_token()) {
      waits_for_token_ = false;
      credentials_changed();
    }
  }
}

runtime::Task<void> Mailbox::load() {
  auto job = [this] { return services_.state.load_mailbox_blocking(settings_.name); };
  Result<store::StoredMailbox> stored = co_await services_.store_thread.run(std::move(job));
  if (!stored) {
    log::write(log::Priority::kErr, {.mailbox = settings_.name, .error = stored.error().code}, stored.error().what);
    co_return;
  }
  record_ = std::move(stored->record);
  for (const store::StoredFolder& folder : stored->folders)
    folders_.emplace(folder.record.name.wire(), folder_from(folder));
}

// Until there is something to connect for.
runtime::Task<void> Mailbox::wait_for_turn() {
  while (!stopping_) {
    const milliseconds left = record_.retry_at ? *record_.retry_at - services_.loop.wall_now() : milliseconds::zero();
    const bool backs_off = left > milliseconds::zero() && (record_.retry_imposed || !sync_wanted_);
    const bool rests = resting_ && !sync_wanted_ && services_.loop.now() < poll_due_;
    runtime::Duration nap = kLongestNap;
    if (settings_.once) co_return; // an imposed pause is reported, not waited for
    if (record_.paused) {
      move_to(MailboxState::kPaused);
    } else if (backs_off) {
      nap = std::min<runtime::Duration>(left, nap);
      if (!last_error_) move_to(record_.retry_imposed ? MailboxState::kThrottled : MailboxState::kBackingOff);
    } else if (rests) {
      nap = std::min(poll_due_ - services_.loop.now(), nap);
      move_to_rest();
    } else {
      co_return;
    }
    wake_.reset();
    expect_news_within(nap);
    co_await wake_.wait_for(nap);
  }
}

void Mailbox::move_to(MailboxState state) {
  if (state == state_) return;
  log::write(log::Priority::kDebug, {.mailbox = settings_.name, .event = "state"},
             concat(mailbox_state_name(state_), " -> ", mailbox_state_name(state)));
  state_ = state;
  since_ = services_.now();
}

void Mailbox::expect_news_within(runtime::Duration limit) {
  progress_due_ = services_.loop.now() + limit + kProgressSlack;
}

bool Mailbox::makes_progress() const {
  const runtime::MonoTime now = services_.loop.now();
  if (now < progress_due_) return true;
  return connection_ != nullptr && now < connection_->last_input() + settings_.connection.io_timeout + kProgressSlack;
}

// Ends whatever wait the mailbox is in.
void Mailbox::poke() noexcept {
  wake_.set();
  if (!idling_) return;
  connection_->session().done();
  connection_->flush();
}

bool Mailbox::give_way() {
  const bool waits_for_news = state_ == MailboxState::kIdle || state_ == MailboxState::kHeld;
  if (connection_ == nullptr || !waits_for_news) return false;
  poke();
  return true;
}

void Mailbox::stop() {
  stopping_ = true;
  poke();
}

std::uint64_t Mailbox::sync_now(std::function<void(Status)> done) {
  const std::uint64_t ticket = next_ticket_++;
  sync_waiters_.emplace(ticket, std::move(done));
  sync_wanted_ = true;
  poke();
  return ticket;
}

void Mailbox::cancel_sync(std::uint64_t ticket) noexcept {
  sync_waiters_.erase(ticket);
}

void Mailbox::pause() {
  if (std::exchange(record_.paused, true)) return;
  save();
  end_verifications(Error(ErrorKind::kOperator, "paused", "the mailbox was paused"));
  poke();
  log::write(log::Priority::kNotice, {.mailbox = settings_.name, .event = "paused"}, "paused by the operator");
}

void Mailbox::resume() {
  if (!std::exchange(record_.paused, false)) return;
  sync_wanted_ = true;
  save();
  poke();
  log::write(log::Priority::kNotice, {.mailbox = settings_.name, .event = "resumed"}, "resumed by the operator");
}

void Mailbox::sign_out() {
  signed_out_ = true;
  poke();
}

void Mailbox::credentials_changed() {
  signed_out_ = false;
  sync_wanted_ = true;
  if (!record_.retry_imposed) record_.retry_at.reset();
  record_.failures = 0; // those were another's, or nobody's
  poke();
}

bool Mailbox::must_leave() const {
  return stopping_ || signed_out_ || (record_.paused && !settings_.once) || imposed_pause().has_value() ||
         (leave_at_ && services_.now() >= *leave_at_);
}

std::optional<UnixTime> Mailbox::imposed_pause() const {
  if (!record_.retry_imposed || !record_.retry_at || *record_.retry_at <= services_.loop.wall_now())
    return std::nullopt;
  return std::chrono::ceil<seconds>(*record_.retry_at);
}

void Mailbox::heed_pause(const Error& error) {
  const runtime::WallTime until = services_.loop.wall_now() + error.imposed_wait.value_or(milliseconds::zero());
  if (const auto known = imposed_pause(); known && *known >= until) return;
  record_.retry_at = until;
  record_.retry_imposed = true;
  record_.retry_reason = error.what;
  record_.error_code = error.code;
  save();
  poke();
}

void Mailbox::settle(const Result<Leave>& ended, runtime::Duration lasted) {
  leave_at_.reset();
  if (ended) {
    signed_out_ = false;
    // Ended by our own choice, with all done: the next fault is the first one, however short the session was.
    if (passed_) record_.failures = 0;
    return;
  }
  if (ended.error().code == "token_expired") { // the server was quicker than we: nothing is wrong
    log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = "token_expired"}, ended.error().what);
    sync_wanted_ = true; // whatever was under way
    token_is_over_ = true;
    // At once with a new token; but one that calls each new one expired is backed off from.
    if (++early_ends_ == 1 || lasted >= seconds(30)) return;
  }
  take_fault(ended.error(), lasted);
}

void Mailbox::take_fault(const Error& error, runtime::Duration lasted) {
  services_.counters.count(error);
  // A server that accepts and drops us over and over again does not start the ladder anew each time.
  record_.failures = lasted >= kStableAfter ? 1 : record_.failures + 1;
  milliseconds delay = std::chrono::duration_cast<milliseconds>(
      services_.scaled(back_off(error, record_.failures, services_.random01())));
  record_.retry_imposed = error.imposed_wait.has_value();
  if (error.imposed_wait) delay = std::max(delay, *error.imposed_wait);
  record_.retry_at = services_.loop.wall_now() + delay;
  record_.retry_reason = error.what;
  record_.error_code = error.code;
  last_error_ = error;
  sync_wanted_ = false;
  move_to(state_after(error, record_.retry_imposed));
  save();

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
  for (auto& [ticket, done] : std::exchange(sync_waiters_, {}))
    done(std::unexpected(error));
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

void Mailbox::save() {
  services_.store_thread.run_detached([&state = services_.state, name = settings_.name, record = record_] {
    const Status saved = state.save_mailbox_blocking(name, record);
    if (!saved)
      log::write(log::Priority::kErr, {.mailbox = name, .event = "state_not_recorded", .error = saved.error().code},
                 saved.error().what);
  });
}

void Mailbox::count_message(std::uint64_t octets) {
  ++fetched_;
  octets_ += octets;
  services_.counters.mailboxes[settings_.name].octets += octets;
  const runtime::MonoTime now = services_.loop.now();
  arrivals_.push_back(now);
  while (!arrivals_.empty() && now - arrivals_.front() > kRateWindow)
    arrivals_.pop_front();
  expect_news_within(settings_.connection.io_timeout);
}

MailboxView Mailbox::view() const {
  MailboxView view;
  view.state = state_;
  view.since = since_;
  view.last_sync = record_.last_sync;
  if (last_error_) {
    view.reason = last_error_->what;
    view.remedy = last_error_->remedy;
  } else if (record_.paused) {
    view.reason = "paused by the operator";
    view.remedy = concat("run: mailmoorctl resume ", settings_.name);
  } else if (std::string held = held_reason(); !held.empty()) {
    view.reason = std::move(held);
    view.remedy = concat("run: mailmoorctl confirm ", settings_.name);
  } else {
    view.reason = record_.retry_reason;
  }
  if (record_.retry_at && *record_.retry_at > services_.loop.wall_now())
    view.retry_at = std::chrono::ceil<seconds>(*record_.retry_at);
  for (const auto& [wire, folder] : folders_) {
    view.messages += folder.recorded.known.size();
    view.behind += folder.behind;
  }
  const runtime::MonoTime horizon = services_.loop.now() - kRateWindow;
  const auto recent = std::ranges::count_if(arrivals_, [horizon](runtime::MonoTime at) { return at > horizon; });
  view.connections = connection_ != nullptr ? 1 : 0;
  view.fetched = fetched_;
  view.octets = octets_;
  view.messages_per_second = static_cast<double>(recent) / 60.0;
  return view;
}

} // namespace mailmoor::mailbox
