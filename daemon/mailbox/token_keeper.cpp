#include "mailbox/token_keeper.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "util/concat.h"

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
constexpr runtime::Duration kSaveAgainAfter = seconds(5);

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

// The vault must not hold on to a name of the pause that a mailbox could have.
[[nodiscard]] std::string pause_row(const std::string& token_id) {
  return concat("token ", token_id);
}

} // namespace

TokenKeeper::TokenKeeper(const Services& services, OauthClient& client, std::string token_id, std::string label)
    : services_(services), client_(client), token_id_(std::move(token_id)), label_(std::move(label)),
      changed_(services.loop), wake_(services.loop), vault_turn_(services.loop, 1) {}

void TokenKeeper::start() {
  runner_.start(run(), [] {});
}

void TokenKeeper::announce() noexcept {
  changed_.set();
  changed_.reset();
}

// A minute, or an eighth of a short life.
seconds TokenKeeper::margin() const {
  return std::min(seconds(60), std::max(seconds(1), (token_->expires_at - token_->obtained_at) / 8));
}

bool TokenKeeper::is_live(seconds least) const {
  return token_ && !token_->access_token.empty() && services_.now() + least < token_->expires_at;
}

std::optional<UnixTime> TokenKeeper::expires_at() const {
  return token_ ? std::optional(token_->expires_at) : std::nullopt;
}

std::optional<Error> TokenKeeper::trouble() const {
  if (!loaded_) return std::nullopt;
  if (!token_) return last_error_ ? last_error_ : login_needed(client_.app_name(), label_);
  if (is_live(seconds(0)) || !last_error_ || last_error_->kind == ErrorKind::kHost) return std::nullopt;
  return last_error_;
}

runtime::Task<Result<AccessToken>> TokenKeeper::access_token() {
  const std::uint64_t attempts_before = attempts_;
  const runtime::MonoTime deadline = services_.loop.now() + kRefreshPatience;
  while (true) {
    if (loaded_ && !token_) co_return std::unexpected(*trouble());
    if (loaded_ && is_live(margin())) {
      Secret secret = token_->access_token.clone();
      co_return AccessToken(std::move(secret), times_of(*token_), generation_);
    }
    const bool tried_for_us = attempts_ != attempts_before;
    const bool must_wait = failures_ > 0 && services_.loop.wall_now() < next_attempt_;
    if (loaded_ && last_error_ && !refreshing_ && (tried_for_us || must_wait)) co_return std::unexpected(*last_error_);
    if (loaded_ && !refreshing_ && !must_wait) {
      next_attempt_ = services_.loop.wall_now();
      wake_.set();
    }
    const bool happened = co_await changed_.wait_until(deadline);
    if (!happened)
      co_return fail(ErrorKind::kHost, "token_endpoint_unavailable",
                     concat("no answer from the token endpoint of app ", client_.app_name(), " yet"));
  }
}

runtime::Task<Result<AccessToken>> TokenKeeper::access_token_after(std::uint64_t generation) {
  if (generation == generation_ && token_) {
    token_->access_token = Secret(); // not to be offered again
  }
  auto fetching = access_token();
  Result<AccessToken> token = co_await fetching;
  co_return token;
}

runtime::Task<void> TokenKeeper::run() {
  co_await load();
  while (!retired_) {
    if (!token_) {
      co_await wake_.wait_until(runtime::MonoTime::max());
      wake_.reset();
      continue;
    }
    const milliseconds left = next_attempt_ - services_.loop.wall_now();
    if (left > milliseconds::zero()) {
      co_await wake_.wait_for(std::min<runtime::Duration>(left, kLongestNap));
      wake_.reset();
      continue;
    }
    refreshing_ = true;
    co_await refresh();
    refreshing_ = false;
    ++attempts_;
    announce();
  }
}

runtime::Task<void> TokenKeeper::load() {
  auto job = [this] {
    auto token = services_.vault.load_token_blocking(token_id_);
    auto pause = services_.state.load_mailbox_blocking(pause_row(token_id_));
    return std::pair(std::move(token), std::move(pause));
  };
  auto loaded = co_await services_.store_thread.run(std::move(job));
  auto& [token, pause] = loaded;
  if (generation_ != 1) co_return; // a sign-in was quicker
  loaded_ = true;
  if (!token) {
    last_error_ = std::move(token).error();
    log::write(log::Priority::kErr, {.mailbox = label_, .error = last_error_->code}, last_error_->what);
  } else if (*token) {
    token_ = *std::move(*token);
    plan_refresh();
    const bool paused = pause && pause->record.retry_imposed && pause->record.retry_at;
    if (paused) next_attempt_ = std::max(next_attempt_, *pause->record.retry_at);
  }
  announce();
}

void TokenKeeper::plan_refresh() {
  next_attempt_ = oauth::next_refresh(times_of(*token_), services_.random01());
}

runtime::Task<void> TokenKeeper::refresh() {
  const std::uint64_t generation = generation_;
  auto preparing = client_.ready();
  const Result<const oauth::ClientRegistration*> registration = co_await preparing;
  if (generation != generation_ || !token_) co_return;
  if (!registration) co_return take_fault(registration.error());
  const UnixTime asked_at = services_.now();
  auto sending = client_.send(oauth::refresh_request(**registration, token_->refresh_token));
  Result<oauth::HttpReply> reply = co_await sending;
  // A sign-in or a logout in the meantime: the answer belongs to a token that is no longer ours.
  if (generation != generation_) co_return;
  if (!reply) co_return take_fault(reply.error());
  oauth::TokenOutcome outcome = oauth::parse_token_reply(*reply, services_.now());
  if (outcome) {
    auto taking = take_grant(*std::move(outcome), asked_at);
    co_await taking;
  } else {
    auto taking = take_refusal(std::move(outcome).error(), asked_at);
    co_await taking;
  }
}

runtime::Task<Status> TokenKeeper::save(const store::StoredToken& token) {
  auto job = [this, &token] { return services_.vault.save_token_blocking(token_id_, token); };
  const Status saved = co_await services_.store_thread.run(std::move(job));
  co_return saved;
}

// The new token is used by nobody before it is on stable storage; until it can be stored it is kept in memory.
runtime::Task<void> TokenKeeper::take_grant(oauth::TokenGrant grant, UnixTime asked_at) {
  const runtime::Semaphore::Permit turn = co_await vault_turn_.acquire();
  const std::uint64_t generation = generation_;
  store::StoredToken next;
  const oauth::TokenTimes times = oauth::token_times(grant, asked_at);
  next.refresh_token = grant.refresh_token.empty() ? token_->refresh_token.clone() : std::move(grant.refresh_token);
  next.access_token = std::move(grant.access_token);
  next.obtained_at = times.obtained_at;
  next.expires_at = times.expires_at;
  next.refresh_at = times.refresh_at;
  next.scope = std::move(grant.scope);
  while (generation == generation_) {
    auto saving = save(next);
    const Status saved = co_await saving;
    if (saved) {
      services_.faults.clear_all(label_, "", services_.now());
      publish(std::move(next));
      co_return;
    }
    services_.faults.raise(
        log::Priority::kErr, {.mailbox = label_, .event = "token_not_stored", .error = saved.error().code},
        concat("a new token cannot be stored and is not used until it is: ", saved.error().what), services_.now());
    co_await runtime::sleep_for(services_.loop, services_.scaled(kSaveAgainAfter));
  }
}

runtime::Task<void> TokenKeeper::take_refusal(oauth::Refusal refusal, UnixTime asked_at) {
  if (!refusal.rotated_refresh_token.empty()) {
    oauth::TokenGrant rotated;
    rotated.refresh_token = std::move(refusal.rotated_refresh_token);
    rotated.expires_in = seconds(0);
    auto taking = take_grant(std::move(rotated), asked_at);
    co_await taking;
  }
  ++failures_;
  const bool transient = refusal.kind == oauth::RefusalClass::kRetry;
  const auto imposed = refusal.retry_after ? std::optional<milliseconds>(*refusal.retry_after) : std::nullopt;
  milliseconds delay = transient ? oauth::refresh_retry_delay(failures_, services_.random01(), std::nullopt)
                                 : oauth::slow_probe_delay(failures_, services_.random01());
  delay = std::chrono::duration_cast<milliseconds>(services_.scaled(delay));
  if (imposed) delay = std::max(delay, oauth::refresh_retry_delay(failures_, services_.random01(), imposed));
  next_attempt_ = services_.loop.wall_now() + delay;
  pause_imposed_ = imposed.has_value();
  last_error_ = oauth::to_error(refusal);
  if (last_error_->kind == ErrorKind::kOperator && refusal.kind == oauth::RefusalClass::kUserSignsIn)
    last_error_->remedy = concat("run: mailmoorctl login ", label_);
  log::Fields fields{.mailbox = label_, .error = last_error_->code};
  fields.retry_at = std::chrono::ceil<seconds>(next_attempt_);
  if (!transient) fields.catalog = refusal.whole_app ? &log::events::kAppMisconfigured : &log::events::kRefreshRefused;
  services_.faults.raise(transient ? log::Priority::kWarning : log::Priority::kErr, fields,
                         concat("the token of app ", client_.app_name(), " was not refreshed: ", refusal.what,
                                refusal.remedy.empty() ? "" : "; ", refusal.remedy),
                         services_.now());
  if (imposed) {
    auto remembering = remember_pause();
    co_await remembering;
  }
}

// A pause that a server imposed holds across restarts (P9).
runtime::Task<void> TokenKeeper::remember_pause() {
  auto job = [this, until = next_attempt_, imposed = pause_imposed_] {
    store::MailboxRecord record;
    record.retry_at = until;
    record.retry_imposed = imposed;
    return services_.state.save_mailbox_blocking(pause_row(token_id_), record);
  };
  const Status saved = co_await services_.store_thread.run(std::move(job));
  if (!saved) log::write(log::Priority::kWarning, {.mailbox = label_, .error = saved.error().code}, saved.error().what);
}

void TokenKeeper::take_fault(const Error& error) {
  ++failures_;
  const milliseconds delay = error.kind == ErrorKind::kHost
                                 ? oauth::refresh_retry_delay(failures_, services_.random01(), std::nullopt)
                                 : oauth::slow_probe_delay(failures_, services_.random01());
  next_attempt_ = services_.loop.wall_now() + std::chrono::duration_cast<milliseconds>(services_.scaled(delay));
  last_error_ = error;
  log::Fields fields{.mailbox = label_, .event = "refresh_failed", .error = error.code};
  fields.retry_at = std::chrono::ceil<seconds>(next_attempt_);
  services_.faults.raise(log::Priority::kWarning, fields,
                         concat("the token of app ", client_.app_name(), " was not refreshed: ", error.what),
                         services_.now());
}

void TokenKeeper::publish(store::StoredToken token) {
  token_ = std::move(token);
  loaded_ = true;
  ++generation_;
  failures_ = 0;
  last_error_.reset();
  pause_imposed_ = false;
  plan_refresh();
  if (log::enabled(log::Priority::kInfo))
    log::write(log::Priority::kInfo, {.mailbox = label_, .event = "token_refreshed"},
               concat("new access token, good until ", to_rfc3339(token_->expires_at), ", next refresh ",
                      to_rfc3339(std::chrono::floor<seconds>(next_attempt_))));
  wake_.set();
  announce();
}

runtime::Task<Status> TokenKeeper::adopt_sign_in(oauth::TokenGrant grant, UnixTime asked_at) {
  if (grant.refresh_token.empty())
    co_return fail(ErrorKind::kOperator, "no_refresh_token",
                   concat("app ", client_.app_name(), ": the sign-in gave no refresh token, so it could not last"),
                   "add offline_access to the app's scopes (Google: access_type=offline)");
  ++generation_; // what is in flight belongs to the old token
  const runtime::Semaphore::Permit turn = co_await vault_turn_.acquire();
  const oauth::TokenTimes times = oauth::token_times(grant, asked_at);
  store::StoredToken next;
  next.refresh_token = std::move(grant.refresh_token);
  next.access_token = std::move(grant.access_token);
  next.obtained_at = times.obtained_at;
  next.expires_at = times.expires_at;
  next.refresh_at = times.refresh_at;
  next.scope = std::move(grant.scope);
  auto saving = save(next);
  Status saved = co_await saving;
  if (saved) publish(std::move(next));
  co_return saved;
}

runtime::Task<Status> TokenKeeper::forget() {
  ++generation_;
  const runtime::Semaphore::Permit turn = co_await vault_turn_.acquire();
  auto job = [this] { return services_.vault.erase_token_blocking(token_id_); };
  Status erased = co_await services_.store_thread.run(std::move(job));
  if (erased) {
    token_.reset();
    last_error_.reset();
    failures_ = 0;
    announce();
  }
  co_return erased;
}

} // namespace mailmoor::mailbox
