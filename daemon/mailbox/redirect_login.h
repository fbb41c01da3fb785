// Signing in by an address that a person opens in a browser, and by the address with which the browser comes back
// (RFC 6749 §4.1 with PKCE). Who listens for the browser, or copies out of its address bar, is no matter here: code and
// verifier meet in this process only.
// States of the entry: closed → open (the address was shown) → answered → closed. Loop thread only.
#pragma once

#include "mailbox/device_login.h"
#include "mailbox/oauth_client.h"
#include "mailbox/services.h"
#include "oauth/authorization_flow.h"
#include "runtime/task.h"
#include "runtime/wait.h"

#include <functional>
#include <optional>
#include <string>

namespace mailmoor::mailbox {

struct RedirectPrompt {
  std::string authorization_url;
  UnixTime expires_at{};
};

// Where the address with which the browser came back is handed in. Owned beside the sign-in, and outlives it.
class RedirectEntry final {
 public:
  explicit RedirectEntry(runtime::Loop& loop) : changed_(loop) {}
  RedirectEntry(const RedirectEntry&) = delete;
  RedirectEntry& operator=(const RedirectEntry&) = delete;

  // Whether the reply is for this sign-in.
  [[nodiscard]] bool takes(const oauth::RedirectReply& reply) const noexcept {
    return flow_ != nullptr && (!abandoned_ || is_answered()) && flow_->is_answered_by(reply);
  }
  [[nodiscard]] bool is_answered() const noexcept { return reply_.has_value(); }
  // REQUIRES: takes(reply), not answered yet.
  void hand_in(oauth::RedirectReply reply);
  // The one who asked went away: ends the sign-in unless it has been answered.
  void abandon() noexcept;

 private:
  friend runtime::Task<Result<SignIn>> sign_in_by_redirect(const Services&, OauthClient&, oauth::AuthorizationWishes,
                                                           Secret, std::function<void(const RedirectPrompt&)>,
                                                           RedirectEntry&);
  oauth::AuthorizationFlow* flow_ = nullptr; // while open
  std::optional<oauth::RedirectReply> reply_;
  bool abandoned_ = false;
  runtime::Event changed_;
};

// `random`: AuthorizationFlow::kRandomBytes that nobody can predict. `on_prompt` is called once; it and the end come in
// a later turn of the loop. Waits an hour for the answer: then "login_link_expired".
[[nodiscard]] runtime::Task<Result<SignIn>> sign_in_by_redirect(const Services& services, OauthClient& client,
                                                                oauth::AuthorizationWishes wishes, Secret random,
                                                                std::function<void(const RedirectPrompt&)> on_prompt,
                                                                RedirectEntry& entry);

} // namespace mailmoor::mailbox
