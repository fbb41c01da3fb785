// The part of a token's life that touches the databases.
#include "log/log.h"
#include "mailbox/token_answer.h"
#include "mailbox/token_keeper.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <cassert>
#include <utility>

namespace mailmoor::mailbox {
namespace {

constexpr runtime::Duration kSaveAgainAfter = std::chrono::seconds(5);

// No mailbox can have this name.
[[nodiscard]] std::string pause_row(const std::string& token_id) {
  return concat("token ", token_id);
}

} // namespace

TokenKeeper::Saving::Saving(oauth::TokenGrant grant, UnixTime asked_at)
    : token(stored_token(std::move(grant), asked_at)) {}

TokenKeeper::Saving::Saving(const store::StoredToken& before, Secret refresh_token)
    : token(with_refresh_token(before, std::move(refresh_token))) {}

runtime::Task<void> TokenKeeper::load() {
  while (!loaded_ && !retired_) {
    auto job = [this] {
      auto token = source_.needs_person() ? services_.vault.load_token_blocking(token_id_)
                                          : Result<std::optional<store::StoredToken>>(std::nullopt);
      auto pause = services_.state.load_mailbox_blocking(pause_row(token_id_));
      return std::pair(std::move(token), std::move(pause));
    };
    auto loaded = co_await services_.store_thread.run(std::move(job));
    auto& [token, pause] = loaded;
    if (loaded_) co_return; // a sign-in or a logout was quicker
    // What cannot be read now may be readable later; what was damaged stays so.
    loaded_ = token || token.error().code == "sealed_value_damaged";
    if (!token)
      note_failure(std::move(token).error());
    else if (*token)
      take_stored(*std::move(*token));
    else if (!source_.needs_person()) {
      place_.has_token(true); // in its way: it has all that it takes to ask
      next_attempt_ = spread_start();
    }
    if (can_ask() && pause) take_pause(pause->record);
    announce();
    if (loaded_) co_return;
    co_await wake_.wait_for(next_attempt_ - services_.loop.wall_now());
    wake_.reset();
  }
}

// The vault got a newer token behind our back: out of the courier's journal.
runtime::Task<void> TokenKeeper::reload() {
  loaded_ = false;
  token_.reset();
  auto loading = load();
  co_await loading;
  ++generation_;
  announce();
}

// Two jobs for the one store thread: the first is done even if this keeper is destroyed meanwhile (P5), the second
// tells how it went.
runtime::Task<Status> TokenKeeper::save(SharedSaving saving) {
  services_.store_thread.run_detached([&vault = services_.vault, id = token_id_, saving] {
    saving->saved = vault.save_token_blocking(id, saving->token);
  });
  auto job = [saving] { return saving->saved; };
  const Status saved = co_await services_.store_thread.run(std::move(job));
  co_return saved;
}

// The new token is used by nobody before it is on stable storage; until it can be stored it is kept in memory. False:
// a sign-in or a logout made it void.
runtime::Task<bool> TokenKeeper::replace_once_stored(SharedSaving saving, std::uint64_t generation) {
  while (true) {
    runtime::Semaphore::Permit turn = co_await vault_turn_.acquire();
    if (generation != generation_) co_return false;
    auto storing = save(saving);
    const Status saved = co_await storing;
    if (saved) {
      replace(std::move(saving->token));
      co_return true;
    }
    last_error_ = saved.error();
    raised_.insert(saved.error().code);
    services_.faults.raise(
        log::Priority::kErr, {.mailbox = label_, .event = "token_not_stored", .error = saved.error().code},
        concat("a new token cannot be stored and is not used until it is: ", saved.error().what), services_.now());
    turn.release(); // a sign-in or a logout may come in between
    co_await runtime::sleep_for(services_.loop, services_.scaled(kSaveAgainAfter));
  }
}

void TokenKeeper::replace(store::StoredToken token) {
  token_ = std::move(token);
  place_.has_token(true);
  loaded_ = true;
  ++generation_;
}

// A pause that a server imposed holds across restarts (P9).
void TokenKeeper::remember_pause(const Error& error) {
  store::MailboxRecord record;
  record.retry_at = not_before_;
  record.retry_imposed = true;
  record.retry_reason = error.what;
  record.error_code = error.code;
  services_.store_thread.run_detached([&state = services_.state, row = pause_row(token_id_), label = label_, record] {
    const Status saved = state.save_mailbox_blocking(row, record);
    if (!saved)
      log::write(log::Priority::kErr, {.mailbox = label, .event = "state_not_recorded", .error = saved.error().code},
                 concat("the pause that the token endpoint imposed on this sign-in could not be recorded: it is kept, "
                        "and a restart would forget it: ",
                        saved.error().what));
  });
}

runtime::Task<Status> TokenKeeper::adopt_sign_in(oauth::TokenGrant grant, UnixTime asked_at) {
  assert(source_.needs_person());
  if (grant.refresh_token.empty())
    co_return fail(ErrorKind::kOperator, "no_refresh_token",
                   concat("app ", client_.app_name(), ": the sign-in gave no refresh token, so it could not last"),
                   "add offline_access to the app's scopes (Google: access_type=offline)");
  ++adopting_;
  const ScopeExit done([this] {
    --adopting_;
    announce();
  });
  auto saving = std::make_shared<Saving>(std::move(grant), asked_at);
  const runtime::Semaphore::Permit turn = co_await vault_turn_.acquire();
  auto storing = save(saving);
  const Status saved = co_await storing;
  if (saved) {
    replace(std::move(saving->token));
    place_.served(); // not before: this token would be asked for, too, by what is in the vault
    note_success();
  }
  co_return saved;
}

runtime::Task<Status> TokenKeeper::forget() {
  assert(source_.needs_person());
  const runtime::Semaphore::Permit turn = co_await vault_turn_.acquire();
  auto job = [this] { return services_.vault.erase_token_blocking(token_id_); };
  const Status erased = co_await services_.store_thread.run(std::move(job));
  if (erased) {
    token_.reset();
    place_.has_token(false);
    loaded_ = true;
    ++generation_;
    failures_ = 0;
    last_error_.reset();
    announce();
  }
  co_return erased;
}

} // namespace mailmoor::mailbox
