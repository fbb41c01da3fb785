#include "mailbox/token_keeper.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "oauth/service_account.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A wait is cut into pieces this long, so that a jump of the wall clock is noticed within one.
constexpr runtime::Duration kLongestNap = seconds(30);
// How long a user of the token waits for a refresh that is under way.
constexpr runtime::Duration kRefreshPatience = seconds(90);
// Tokens that ran out while the daemon was down are refreshed over so long, unless a mailbox needs one at once.
constexpr runtime::Duration kStartSpread = seconds(30);
// Even a server whose tokens live for a second is asked no more often.
constexpr milliseconds kLeastGap = seconds(1);
// A clock is set right within minutes of the alarm.
constexpr milliseconds kClockProbe = std::chrono::minutes(10);

[[nodiscard]] oauth::TokenTimes times_of(const store::StoredToken& token) {
  oauth::TokenTimes times;
  times.obtained_at = token.obtained_at;
  times.expires_at = token.expires_at;
  times.refresh_at = token.refresh_at;
  return times;
}

[[nodiscard]] Error login_needed(const std::string& app, const std::string& label) {
  return {ErrorKind::kOperator, "login_needed", concat("nobody has signed in for app ", app, " yet"),
          concat("run: mailmoorctl login ", label)};
}

} // namespace

TokenKeeper::TokenKeeper(const Services& services, OauthClient& client, std::string token_id, std::string label,
                         TokenSource source)
    : services_(services), client_(client), token_id_(std::move(token_id)), label_(std::move(label)),
      source_(std::move(source)), changed_(services.loop), wake_(services.loop),
      place_(
          client.gate(), token_id_, [this] { wake_.set(); }, [this] { app_serves_again(); }),
      vault_turn_(services.loop, 1) {}

void TokenKeeper::start() {
  runner_.start(run(), [] {});
}

void TokenKeeper::retire() noexcept {
  retired_ = true;
  wake_.set();
  announce();
}

void TokenKeeper::announce() noexcept {
  changed_.set();
  changed_.reset();
}

void TokenKeeper::try_again() {
  client_.gate().ask_soon();
  failures_ = 0;
  next_attempt_ = std::min(next_attempt_, services_.loop.wall_now());
  wake_.set();
}

// A minute, or an eighth of a short life.
seconds TokenKeeper::margin() const {
  if (!token_) return seconds(0);
  return std::min(seconds(60), std::max(seconds(1), (token_->expires_at - token_->obtained_at) / 8));
}

bool TokenKeeper::is_live(seconds least) const {
  return token_ && !token_->access_token.empty() && services_.now() + least < token_->expires_at;
}

bool TokenKeeper::must_wait() const {
  const runtime::WallTime now = services_.loop.wall_now();
  return now < not_before_ || (failures_ > 0 && now < next_attempt_);
}

std::optional<UnixTime> TokenKeeper::imposed_pause() const {
  const std::optional<UnixTime> of_app = client_.gate().imposed_pause();
  if (not_before_ <= services_.loop.wall_now()) return of_app;
  return std::max(std::chrono::ceil<seconds>(not_before_), of_app.value_or(UnixTime()));
}

void TokenKeeper::heed_pause(const Error& error) {
  const milliseconds imposed = error.imposed_wait.value_or(milliseconds::zero());
  client_.gate().pause(imposed, error); // nobody in particular was asked for: it holds for the whole app
  const runtime::WallTime until = services_.loop.wall_now() + imposed;
  if (until <= not_before_) return;
  not_before_ = until;
  remember_pause(error);
}

std::optional<UnixTime> TokenKeeper::expires_at() const {
  return token_ ? std::optional(token_->expires_at) : std::nullopt;
}

std::optional<Error> TokenKeeper::trouble() const {
  if (!loaded_) return last_error_;
  if (!can_ask()) return last_error_ ? last_error_ : login_needed(client_.app_name(), label_);
  if (is_live(seconds(0))) return std::nullopt;
  if (auto fault = client_.gate().fault(); fault && !refreshing_) return fault;
  if (!last_error_ || last_error_->kind == ErrorKind::kHost) return std::nullopt;
  return last_error_;
}

runtime::Task<Result<AccessToken>> TokenKeeper::access_token() {
  return token_newer_than(0);
}

runtime::Task<Result<AccessToken>> TokenKeeper::access_token_after(std::uint64_t generation) {
  return token_newer_than(generation);
}

// Why there is no use in waiting; empty: a refresh is under way, or shall be.
std::optional<Error> TokenKeeper::no_token_now(bool was_tried) const {
  if (loaded_ && !can_ask()) return trouble();
  if (refreshing_) return std::nullopt;
  if (retired_)
    return Error(ErrorKind::kMailbox, "stopping",
                 concat("the token of app ", client_.app_name(),
                        " is not used here "
                        "any more"));
  if (auto obstacle = client_.gate().obstacle(); obstacle && loaded_) return obstacle;
  if (last_error_ && (!loaded_ || was_tried || must_wait())) return last_error_;
  if (must_wait()) // what it was asked for is forgotten with the sign-in that met it
    return Error(ErrorKind::kHost, "token_endpoint_unavailable",
                 concat("the token endpoint of app ", client_.app_name(), " imposed a pause until ",
                        to_rfc3339(std::chrono::ceil<seconds>(not_before_))));
  if (was_tried)
    return Error(ErrorKind::kOperator, "token_too_short",
                 concat("app ", client_.app_name(), ": the access tokens of this server end as soon as they come"),
                 "give the app's access tokens a life of some minutes at least");
  return std::nullopt;
}

runtime::Task<Result<AccessToken>> TokenKeeper::token_newer_than(std::uint64_t refused) {
  if ((*waiters_)++ == 0) wanted_since_ = services_.loop.wall_now();
  const ScopeExit done([waiters = waiters_] { --*waiters; });
  const std::uint64_t attempts_before = attempts_;
  const runtime::MonoTime deadline = services_.loop.now() + kRefreshPatience;
  while (true) {
    if (loaded_ && generation_ > refused && is_live(margin())) {
      Secret secret = token_->access_token.clone();
      co_return AccessToken(std::move(secret), times_of(*token_), generation_);
    }
    std::optional<Error> error = no_token_now(attempts_ != attempts_before);
    if (error) co_return std::unexpected(*std::move(error));
    if (loaded_ && !refreshing_) {
      next_attempt_ = services_.loop.wall_now();
      wake_.set();
    }
    const bool happened = co_await changed_.wait_until(deadline);
    if (happened) continue;
    if (last_error_) co_return std::unexpected(*last_error_);
    if (place_.is_waiting())
      co_return fail(ErrorKind::kHost, "token_refresh_queued",
                     concat("the tokens of app ", client_.app_name(), " are renewed one after the other; ",
                            client_.gate().waiting(), " wait for their turn, this one among them"));
    co_return fail(ErrorKind::kHost, "token_endpoint_unavailable",
                   concat("no answer from the token endpoint of app ", client_.app_name(), " yet"));
  }
}

runtime::Task<void> TokenKeeper::run() {
  auto loading = load();
  co_await loading;
  place_.has_token(can_ask());
  while (!retired_) {
    limit_waits();
    const milliseconds left = std::max(next_attempt_, not_before_) - services_.loop.wall_now();
    if (!can_ask() || left > milliseconds::zero()) {
      place_.leave();
      const runtime::Duration nap = can_ask() ? std::min<runtime::Duration>(left, kLongestNap) : kLongestNap;
      co_await wake_.wait_for(nap);
      wake_.reset();
      continue;
    }
    if (!place_.take_turn(urgency())) {
      co_await wake_.wait_for(kLongestNap);
      wake_.reset();
      continue;
    }
    refreshing_ = true;
    auto refreshing = refresh();
    co_await refreshing;
    place_.leave(); // whatever came of it
    refreshing_ = false;
    ++attempts_;
    announce();
  }
  place_.leave();
}

// The end of the access token is when it is needed, or now if somebody waits.
AppGate::Urgency TokenKeeper::urgency() const {
  AppGate::Urgency urgency;
  urgency.by = *waiters_ != 0 || !token_ ? wanted_since_ : runtime::WallTime(token_->expires_at - margin());
  urgency.idle = *waiters_ == 0 && !is_live(seconds(0));
  return urgency;
}

void TokenKeeper::app_serves_again() {
  if (!last_error_ || last_error_->kind != ErrorKind::kApp) return;
  failures_ = 0;
  next_attempt_ = services_.loop.wall_now();
  wake_.set();
}

void TokenKeeper::limit_waits() {
  const runtime::WallTime farthest = services_.loop.wall_now() + kLongestAppWait;
  next_attempt_ = std::min(next_attempt_, farthest);
  not_before_ = std::min(not_before_, farthest);
}

void TokenKeeper::take_stored(store::StoredToken token) {
  token_ = std::move(token);
  place_.has_token(true);
  failures_ = 0;
  last_error_.reset();
  if (services_.courier != nullptr && !token_->refresh_token.empty()) services_.courier->start();
  next_attempt_ = oauth::next_refresh(times_of(*token_), services_.random01());
  if (next_attempt_ < services_.loop.wall_now()) next_attempt_ = spread_start();
}

runtime::WallTime TokenKeeper::spread_start() const {
  return services_.loop.wall_now() +
         milliseconds(static_cast<std::int64_t>(services_.random01() *
                                                static_cast<double>(services_.scaled(kStartSpread).count()) / 1000));
}

void TokenKeeper::take_pause(const store::MailboxRecord& pause) {
  const runtime::WallTime now = services_.loop.wall_now();
  if (!pause.retry_imposed || pause.retry_at.value_or(now) <= now) return;
  not_before_ = *pause.retry_at;
  last_error_.emplace(ErrorKind::kHost, pause.error_code, pause.retry_reason);
}

Result<oauth::TokenRequest> TokenKeeper::app_request(const oauth::ClientRegistration& registration) const {
  switch (*source_.app_grant) {
  case oauth::AppGrant::kServiceAccount:
    return oauth::service_account_request(registration, source_.user, services_.now());
  case oauth::AppGrant::kClientCredentials: break;
  }
  const Result<oauth::ClientProof> proof = client_.proof();
  if (!proof) return pass(proof.error());
  return oauth::client_credentials_request(registration, *proof);
}

// Without the courier: an answer that is lost is asked for again, nothing is used up. Nor is a refresh token kept,
// which should not come (RFC 6749 §4.4.3).
runtime::Task<void> TokenKeeper::ask_as_app(const oauth::ClientRegistration& registration, UnixTime asked_at) {
  Result<oauth::TokenRequest> request = app_request(registration);
  if (!request) co_return note_failure(request.error());
  auto sending = client_.send(*std::move(request));
  const Result<oauth::HttpReply> reply = co_await sending;
  if (!reply) co_return note_failure(reply.error());
  oauth::TokenOutcome outcome = oauth::parse_token_reply(*reply, services_.now());
  if (!outcome) {
    const oauth::Refusal refusal = oauth::without_person(std::move(outcome.error()), *source_.app_grant);
    Error error = oauth::to_error(refusal);
    if (refusal.whole_app && refusal.retry_after) client_.gate().pause(*refusal.retry_after, error);
    co_return note_failure(std::move(error));
  }
  place_.served();
  Saving given(*std::move(outcome), asked_at);
  given.token.refresh_token = Secret();
  replace(std::move(given.token));
  note_success();
}

runtime::Task<void> TokenKeeper::refresh() {
  const std::uint64_t generation = generation_;
  auto preparing = client_.ready();
  const Result<const oauth::ClientRegistration*> registration = co_await preparing;
  if (generation != generation_) co_return;
  if (!registration) co_return note_failure(registration.error());
  const UnixTime asked_at = services_.now();
  if (!source_.needs_person()) {
    auto asking = ask_as_app(**registration, asked_at);
    co_await asking;
    co_return;
  }
  const Result<oauth::ClientProof> proof = client_.proof();
  if (!proof) co_return note_failure(proof.error());
  auto sending = client_.send_refresh(token_id_, token_->refresh_token.clone(),
                                      oauth::refresh_request(**registration, *proof, token_->refresh_token));
  Result<OauthClient::Refreshed> refreshed = co_await sending;
  // A sign-in or a logout in the meantime: the answer belongs to a token that is no longer ours.
  if (generation != generation_) co_return;
  if (!refreshed && refreshed.error().code == "token_replaced") {
    auto reloading = reload();
    co_await reloading;
    co_return;
  }
  if (!refreshed) co_return note_failure(refreshed.error());
  oauth::TokenOutcome outcome = oauth::parse_token_reply(refreshed->reply, services_.now());
  if (outcome) {
    place_.served(); // also if it takes long to store it
    auto saving = std::make_shared<Saving>(*std::move(outcome), asked_at);
    if (saving->token.refresh_token.empty()) saving->token.refresh_token = token_->refresh_token.clone();
    auto replacing = replace_once_stored(std::move(saving), generation);
    const bool replaced = co_await replacing;
    if (!replaced) co_return;
    refreshed->receipt.settle();
    co_return note_success();
  }
  oauth::Refusal& refusal = outcome.error();
  Error error = oauth::to_error(refusal);
  if (refusal.whole_app && refusal.retry_after) client_.gate().pause(*refusal.retry_after, error);
  if (!refusal.rotated_refresh_token.empty()) {
    auto saving = std::make_shared<Saving>(*token_, std::move(refusal.rotated_refresh_token));
    auto replacing = replace_once_stored(std::move(saving), generation);
    const bool replaced = co_await replacing;
    if (!replaced) co_return;
  }
  refreshed->receipt.settle();
  note_failure(std::move(error));
}

void TokenKeeper::note_success() {
  failures_ = 0;
  last_error_.reset();
  for (const std::string& code : std::exchange(raised_, {}))
    services_.faults.clear(label_, "", code, services_.now());
  const runtime::WallTime earliest = services_.loop.wall_now() + kLeastGap;
  next_attempt_ = std::max<runtime::WallTime>(oauth::next_refresh(times_of(*token_), services_.random01()), earliest);
  if (log::enabled(log::Priority::kInfo))
    log::write(log::Priority::kInfo, {.mailbox = label_, .event = "token_refreshed"},
               concat("new access token, good until ", to_rfc3339(token_->expires_at), ", next refresh ",
                      to_rfc3339(std::chrono::floor<seconds>(next_attempt_))));
  wake_.set();
  announce();
}

void TokenKeeper::note_failure(Error error) {
  ++failures_;
  services_.counters.count(error);
  const runtime::WallTime now = services_.loop.wall_now();
  const double random01 = services_.random01();
  const bool passing = error.kind == ErrorKind::kHost || !loaded_;
  milliseconds own =
      passing ? oauth::refresh_retry_delay(failures_, random01) : oauth::slow_probe_delay(failures_, random01);
  if (error.code == "clock_wrong") own = std::min(own, kClockProbe);
  next_attempt_ = now + std::chrono::duration_cast<milliseconds>(services_.scaled(own));
  bool told = false; // by the alarm of the app
  if (!loaded_) {    // the vault's fault: nobody was asked
  } else if (error.kind == ErrorKind::kApp) {
    told = place_.refused(error);
  } else if (error.kind == ErrorKind::kOperator) {
    place_.served();
  } else {
    place_.unanswered();
  }
  if (error.code == "login_needed") error.remedy = concat("run: mailmoorctl login ", label_);
  if (const auto imposed = std::exchange(error.imposed_wait, std::nullopt)) {
    not_before_ = now + oauth::refresh_retry_delay(/*consecutive_failures=*/1, random01, imposed);
    remember_pause(error);
  }
  log::Fields fields{.mailbox = label_, .error = error.code};
  fields.retry_at = std::chrono::ceil<seconds>(std::max(next_attempt_, not_before_));
  if (source_.needs_person() && token_ && error.kind == ErrorKind::kOperator)
    fields.catalog = &log::events::kRefreshRefused;
  if (!source_.needs_person() && error.kind == ErrorKind::kOperator) fields.catalog = &log::events::kAppTokenRefused;
  if (can_ask() && error.kind == ErrorKind::kApp) fields.catalog = &log::events::kAppMisconfigured;
  if (fields.catalog == nullptr) fields.event = "no_new_token";
  // One sign-in that blames the app may be wrong: it alarms when the next one has said so, or it says so again.
  const bool doubt = error.kind == ErrorKind::kApp && failures_ == 1;
  if (doubt) fields.catalog = nullptr, fields.event = "no_new_token";
  if (told) {
    last_error_ = std::move(error);
    return;
  }
  raised_.insert(error.code);
  services_.faults.raise(passing || doubt ? log::Priority::kWarning : log::Priority::kErr, fields,
                         concat("no new token of app ", client_.app_name(), ": ", error.what,
                                error.remedy.empty() ? "" : "; ", error.remedy),
                         services_.now());
  last_error_ = std::move(error);
}

} // namespace mailmoor::mailbox
