// Keeps one OAuth2 token fresh: loads it from the vault, refreshes it ahead of its end, one request in flight whatever
// the number of users, and stores what it got before anyone may use it (P5). An answer that is no token never makes it
// forget the refresh token.
// Where no person is needed (TokenSource) it asks for each token anew; all else is the same.
// States: no token (needs a login) → fresh ⇄ refreshing → refused (probed slowly; live until the access token ends).
// Owned by the fleet, shared by all mailboxes of one sign-in. Loop thread only.
#pragma once

#include "mailbox/oauth_client.h"
#include "mailbox/services.h"
#include "mailbox/token_source.h"
#include "oauth/refresh_policy.h"
#include "oauth/refusal.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "runtime/wait.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace mailmoor::mailbox {

struct AccessToken {
  AccessToken(Secret secret_in, oauth::TokenTimes times_in, std::uint64_t generation_in)
      : secret(std::move(secret_in)), times(times_in), generation(generation_in) {}
  Secret secret;
  oauth::TokenTimes times;
  std::uint64_t generation; // which token of this keeper it is
};

class TokenKeeper final {
 public:
  // `token_id`: "app/login_user", the row in the vault. `label`: a mailbox's name, for the log.
  TokenKeeper(const Services& services, OauthClient& client, std::string token_id, std::string label,
              TokenSource source = {});
  TokenKeeper(const TokenKeeper&) = delete;
  TokenKeeper& operator=(const TokenKeeper&) = delete;

  void start();

  // A token that is good for a minute at least (less where its life is short), refreshed first if need be.
  // Errors: kOperator "login_needed" and its kin, kApp, kHost.
  [[nodiscard]] runtime::Task<Result<AccessToken>> access_token();
  // The mail server refused the token of `generation`: a newer one, by a refresh if there is none yet. The old one
  // stays good for others: it may be one mailbox that lacks a right.
  [[nodiscard]] runtime::Task<Result<AccessToken>> access_token_after(std::uint64_t generation);
  // A sign-in gave this. Durable and in use when it returns. REQUIRES: source().needs_person().
  [[nodiscard]] runtime::Task<Status> adopt_sign_in(oauth::TokenGrant grant, UnixTime asked_at);
  // Forgets the token, here and in the vault. REQUIRES: source().needs_person().
  [[nodiscard]] runtime::Task<Status> forget();

  // Something that stood in the way may be gone (a new secret): tries at once, but not inside an imposed pause.
  void try_again();

  // What a person must do, if anything: empty while an access token lives or may still come by itself.
  [[nodiscard]] std::optional<Error> trouble() const;
  // Whether access_token() would give one at once.
  [[nodiscard]] bool has_live_token() const { return loaded_ && is_live(margin()); }
  [[nodiscard]] std::optional<UnixTime> expires_at() const;
  // The scope that came with the token; empty when the server said none, or there is no token.
  [[nodiscard]] std::string granted_scope() const { return token_ ? token_->scope : std::string(); }
  // The end of the pause that the token endpoint imposed on this token or its app; empty outside one.
  [[nodiscard]] std::optional<UnixTime> imposed_pause() const;
  // Another request to that endpoint met a pause (Error::imposed_wait): it holds for the app.
  void heed_pause(const Error& error);
  // Set for a moment whenever the token, or what is wrong with it, has changed.
  [[nodiscard]] runtime::Event& changed() noexcept { return changed_; }
  // Whether a new token may be on its way that nobody could get again: a stop waits for it, on changed().
  [[nodiscard]] bool is_refreshing() const noexcept {
    return (refreshing_ && source_.needs_person()) || adopting_ != 0;
  }
  // No further refresh begins, and nobody waits for one any more.
  void retire() noexcept;
  [[nodiscard]] bool is_retired() const noexcept { return retired_; }
  [[nodiscard]] const std::string& token_id() const noexcept { return token_id_; }
  [[nodiscard]] const TokenSource& source() const noexcept { return source_; }

 private:
  // A token on its way into the vault.
  struct Saving {
    Saving(oauth::TokenGrant grant, UnixTime asked_at);
    Saving(const store::StoredToken& before, Secret refresh_token); // nothing but the refresh token is new
    store::StoredToken token;
    Status saved;
  };
  using SharedSaving = std::shared_ptr<Saving>; // the store thread's job and the coroutine that waits for it

  [[nodiscard]] runtime::Task<void> run();
  [[nodiscard]] runtime::Task<void> load();
  [[nodiscard]] runtime::Task<void> reload();
  void take_stored(store::StoredToken token);
  [[nodiscard]] runtime::WallTime spread_start() const;
  void take_pause(const store::MailboxRecord& pause);
  [[nodiscard]] runtime::Task<Result<AccessToken>> token_newer_than(std::uint64_t refused);
  [[nodiscard]] runtime::Task<void> refresh();
  [[nodiscard]] Result<oauth::TokenRequest> app_request(const oauth::ClientRegistration& registration) const;
  [[nodiscard]] runtime::Task<void> ask_as_app(const oauth::ClientRegistration& registration, UnixTime asked_at);
  [[nodiscard]] runtime::Task<Status> save(SharedSaving saving);
  [[nodiscard]] runtime::Task<bool> replace_once_stored(SharedSaving saving, std::uint64_t generation);
  void replace(store::StoredToken token);
  void note_success();
  void note_failure(Error error);
  void remember_pause(const Error& error);
  void announce() noexcept;
  void limit_waits();
  void app_serves_again();
  [[nodiscard]] AppGate::Urgency urgency() const;
  [[nodiscard]] std::optional<Error> no_token_now(bool was_tried) const;
  [[nodiscard]] bool must_wait() const;
  [[nodiscard]] bool can_ask() const noexcept { return token_.has_value() || !source_.needs_person(); }
  [[nodiscard]] bool is_live(std::chrono::seconds margin) const;
  [[nodiscard]] std::chrono::seconds margin() const;

  const Services& services_;
  OauthClient& client_;
  std::string token_id_;
  std::string label_;
  TokenSource source_;

  std::optional<store::StoredToken> token_;
  std::uint64_t generation_ = 1;     // grows with every new token and every logout: late replies are dropped
  runtime::WallTime next_attempt_{}; // of a refresh; meaningful while there is a token
  runtime::WallTime not_before_{};   // the server's word (P9): no request of any kind before, whoever has signed in
  bool loaded_ = false;
  bool refreshing_ = false;
  bool retired_ = false;
  int adopting_ = 0;                // sign-ins that are being stored
  int failures_ = 0;                // in a row
  std::optional<Error> last_error_; // of the last refresh, or of loading; empty after a success
  std::set<std::string> raised_;    // codes of the faults that stand in the log because of this keeper
  std::uint64_t attempts_ = 0;
  // How many wait for a token now. Shared with the coroutines that wait: they may outlive this object.
  std::shared_ptr<int> waiters_ = std::make_shared<int>(0);
  runtime::WallTime wanted_since_{}; // meaningful while there are waiters
  runtime::Event changed_;
  runtime::Event wake_;
  AppGate::Place place_;          // among all tokens of the app
  runtime::Semaphore vault_turn_; // one writer of the row at a time; what it changes in memory it changes in its turn
  runtime::TaskRunner<void> runner_;
};

} // namespace mailmoor::mailbox
