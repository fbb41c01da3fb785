#include "mailbox/mailbox.h"

#include "log/log.h"
#include "util/concat.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using std::chrono::seconds;

// A wait is cut into pieces this long, so that a jump of the wall clock is noticed within one.
constexpr runtime::Duration kLongestNap = seconds(30);
// A mailbox that has not moved for so long past a wait's known end is stuck.
constexpr runtime::Duration kProgressSlack = std::chrono::minutes(5);
constexpr int kBarrenSessions = 3;
// What a dial fails with where there is no way to the server.
constexpr std::array<std::string_view, 3> kNoWay = {"dns_failed", "connect_failed", "connect_timeout"};
// And where somebody else answers, such as the sign-in page of a hotel's network.
constexpr std::array<std::string_view, 2> kStranger = {"tls_untrusted", "tls_failed"};

} // namespace

Mailbox::Mailbox(const Services& services, MailboxSettings settings, TokenKeeper* keeper, Admission admit)
    : services_(services), settings_(std::move(settings)), keeper_(keeper), admit_(std::move(admit)),
      since_(services.now()), allowance_(services, settings_.daily_bytes), wake_(services.loop),
      finished_(services.loop), settled_(services.loop), settling_(services.loop) {}

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
    auto session = run_session();
    const Result<Leave> ended = co_await session;
    settle(ended);
    if (settings_.once && !goes_on_with_another_token(ended)) break; // the caller sees what came of it
  }
  progress_due_ = runtime::MonoTime::max();
  dismiss_waiters();
  finished_.set();
}

// Of `once`: the token ended before the pass did. No more where tokens are too short for a pass that brings nothing.
bool Mailbox::goes_on_with_another_token(const Result<Leave>& ended) {
  const bool token_ended = ended ? *ended == Leave::kTokenEnds : token_is_over_ && !last_error_;
  if (!token_ended || passed_) return false;
  if (fetched_ != fetched_before_) barren_sessions_ = 0;
  return ++barren_sessions_ < kBarrenSessions;
}

void Mailbox::dismiss_waiters() {
  turn_away_waiters(Error(ErrorKind::kMailbox, "stopping", concat(settings_.name, " is being stopped")));
}

void Mailbox::tell_those_served(const Status& outcome) {
  std::map<std::uint64_t, std::function<void(Status)>> served;
  while (is_asked_for())
    served.insert(sync_waiters_.extract(sync_waiters_.begin()));
  for (auto& [ticket, done] : served)
    done(outcome);
}

void Mailbox::turn_away_waiters(const Error& why) {
  for (auto& [ticket, done] : std::exchange(sync_waiters_, {}))
    done(std::unexpected(why));
  end_verifications(why);
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
    log::write(log::Priority::kErr,
               {.mailbox = settings_.name, .event = "state_not_read", .error = stored.error().code},
               concat("what is recorded of the mailbox could not be read; what is here is found by the names of its "
                      "files, and is not fetched again: ",
                      stored.error().what));
    co_return;
  }
  const store::MailboxRecord heard = std::exchange(record_, std::move(stored->record));
  resume_waits();
  allowance_.remember(stored->downloads);
  gmail_.stored = std::move(stored->gmail_labels);
  if (heard.retry_imposed) { // by an examination, meanwhile
    record_.retry_at = std::max(record_.retry_at, heard.retry_at);
    record_.retry_imposed = true;
    record_.retry_reason = heard.retry_reason;
    record_.error_code = heard.error_code;
  }
  for (const store::StoredFolder& folder : stored->folders)
    folders_.emplace(folder.record.name.wire(), folder_from(folder));
}

// Until there is something to connect for.
runtime::Task<void> Mailbox::wait_for_turn() {
  while (!stopping_) {
    runtime::Duration left = left_of_pause();
    if (left == runtime::Duration::zero() && !record_.retry_imposed && record_.retry_at && !sync_wanted_)
      left = *record_.retry_at - services_.loop.wall_now();
    const bool backs_off = left > runtime::Duration::zero();
    const bool rests = resting_ && !sync_wanted_ && services_.loop.now() < poll_due_;
    runtime::Duration nap = kLongestNap;
    if (settings_.once) co_return; // an imposed pause is reported, not waited for
    if (record_.paused) {
      move_to(MailboxState::kPaused);
    } else if (backs_off) {
      nap = std::min(left, nap);
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
}

bool Mailbox::give_way() {
  const bool waits_for_news =
      state_ == MailboxState::kIdle || state_ == MailboxState::kHeld || state_ == MailboxState::kThrottled;
  if (connection_ == nullptr || turn_over_) return false;
  // With `once` a pass is never left: nobody would come back for the rest of it.
  const bool had_its_turn = !settings_.once && services_.loop.now() >= turn_ends_;
  if (!waits_for_news && !had_its_turn) return false;
  turn_over_ = !waits_for_news;
  poke();
  return true;
}

bool Mailbox::is_wanted_elsewhere() const {
  return settings_.is_wanted_elsewhere ? settings_.is_wanted_elsewhere() : services_.connections.has_waiters();
}

NetworkWait Mailbox::waits_for_network() const {
  if (state_ != MailboxState::kBackingOff || !last_error_ || record_.retry_imposed) return NetworkWait::kNone;
  if (std::ranges::find(kNoWay, last_error_->code) != kNoWay.end()) return NetworkWait::kWay;
  const bool met_a_stranger = std::ranges::find(kStranger, last_error_->code) != kStranger.end();
  return met_a_stranger && settings_.connection.tls == TlsMode::kImplicit ? NetworkWait::kProof : NetworkWait::kNone;
}

void Mailbox::network_returned() {
  record_.retry_at.reset();
  sync_wanted_ = true;
  poke();
}

void Mailbox::stop() {
  stopping_ = true;
  poke();
}

Result<std::uint64_t> Mailbox::sync_now(std::function<void(Status)> done) {
  if (record_.paused)
    return fail(ErrorKind::kOperator, "paused", concat(settings_.name, " is paused"),
                concat("run: mailmoorctl resume ", settings_.name));
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
  turn_away_waiters(Error(ErrorKind::kOperator, "paused", concat(settings_.name, " was paused"),
                          concat("run: mailmoorctl resume ", settings_.name)));
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
  forget_faults(); // those were another's, or nobody's
  poke();
}

bool Mailbox::must_leave() const {
  return stopping_ || signed_out_ || turn_over_ || (record_.paused && !settings_.once) || imposed_pause().has_value() ||
         (leave_at_ && services_.now() >= *leave_at_);
}

void Mailbox::save() {
  services_.store_thread.run_detached([&state = services_.state, name = settings_.name, record = record_] {
    const Status saved = state.save_mailbox_blocking(name, record);
    if (!saved)
      log::write(
          log::Priority::kErr, {.mailbox = name, .event = "state_not_recorded", .error = saved.error().code},
          concat("when it was last synced, and what it waits for, could not be recorded: it is kept in mind, and "
                 "a restart before it is recorded would go by what was true earlier: ",
                 saved.error().what));
  });
}

void Mailbox::count_message(std::uint64_t octets) {
  ++fetched_;
  octets_ += octets;
  services_.counters.mailboxes[settings_.name].octets += octets;
  allowance_.message_arrived(octets);
  if (allowance_.is_to_be_recorded()) record_downloads();
  expect_news_within(settings_.connection.io_timeout);
}

MailboxView Mailbox::view() const {
  MailboxView view;
  const bool in_line = progress_due_ == runtime::MonoTime::max(); // nothing is known of when it moves on
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
  } else if (budget_pause() && !imposed_pause()) {
    view.reason = budget_reason();
  } else if (state_ == MailboxState::kConnecting && connection_ == nullptr && in_line) {
    view.reason = keeper_ != nullptr && !keeper_->has_live_token()
                      ? "waits for an access token"
                      : concat("waits for its turn to connect (`", waits_for_, "` of `limits` in the configuration)");
  } else {
    view.reason = record_.retry_reason;
  }
  view.retry_at = imposed_pause();
  if (!record_.retry_imposed && record_.retry_at && *record_.retry_at > services_.loop.wall_now())
    view.retry_at = std::chrono::ceil<seconds>(*record_.retry_at);
  if (!view.retry_at) view.retry_at = budget_pause();
  for (const auto& [wire, folder] : folders_) {
    view.messages += folder.recorded.known.size();
  }
  view.behind = behind();
  view.connections = connection_ != nullptr ? 1 : 0;
  view.fetched = fetched_;
  view.octets = octets_;
  view.messages_per_second = static_cast<double>(allowance_.recent_arrivals()) / 60.0;
  view.rate_limit = allowance_.pace().limit();
  view.daily_bytes = allowance_.budget().limit();
  view.daily_bytes_used = allowance_.budget().used(services_.now());
  return view;
}

} // namespace mailmoor::mailbox
