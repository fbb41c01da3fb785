#include "supervisor/login_desk.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/device_login.h"
#include "oauth/redirect_reply.h"
#include "runtime/entropy.h"
#include "supervisor/login_flow.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <utility>

namespace mailmoor::supervisor {

// shared_ptr: the sign-in under way and the subscription of the one who asked for it. Tells how it ended once, to that
// one and to the one who handed in the answer: when the sign-in itself is cut off, as the last of it goes.
class LoginDesk::Link final {
 public:
  Link(runtime::Loop& loop, std::string mailbox, std::function<void(const LoginEvent&)> on_event)
      : entry(loop), mailbox_(std::move(mailbox)), on_event_(std::move(on_event)) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() = default;

  [[nodiscard]] bool is_wanted() const noexcept { return on_event_ != nullptr; }
  void abandon() noexcept {
    on_event_ = nullptr;
    entry.abandon();
  }
  void prompt(LoginEvent event) {
    event.kind = LoginEvent::Kind::kPrompt;
    tell(std::move(event));
  }
  void answered_by(oauth::RedirectReply reply, std::function<void(Result<std::string>)> done) {
    done_ = std::move(done);
    entry.hand_in(std::move(reply));
  }
  void end(const Status& outcome) {
    if (std::exchange(has_ended_, true)) return;
    LoginEvent event;
    event.kind = outcome ? LoginEvent::Kind::kSignedIn : LoginEvent::Kind::kFailed;
    if (!outcome) {
      event.error = outcome.error().what;
      event.remedy = outcome.error().remedy;
      event.code = outcome.error().code;
    }
    tell(std::move(event));
    if (done_) done_(outcome ? Result<std::string>(mailbox_) : pass(outcome.error()));
  }

  mailbox::RedirectEntry entry;

 private:
  void tell(LoginEvent event) const {
    event.mailbox = mailbox_;
    if (on_event_) on_event_(event);
  }

  std::string mailbox_;
  std::function<void(const LoginEvent&)> on_event_; // empty: nobody listens any more
  std::function<void(Result<std::string>)> done_;   // of the one who handed in the answer
  bool has_ended_ = false;
};

namespace {

// Takes back a request when the one who asked goes away.
class Abandonment final : public Subscription {
 public:
  explicit Abandonment(std::function<void()> abandon) : abandon_(std::move(abandon)) {}
  Abandonment(const Abandonment&) = delete;
  Abandonment& operator=(const Abandonment&) = delete;
  ~Abandonment() override { abandon_(); }

 private:
  std::function<void()> abandon_;
};

void log_end(const std::string& mailbox, const Status& outcome) {
  if (outcome)
    log::write(log::Priority::kNotice, {.mailbox = mailbox, .catalog = &log::events::kSignedIn}, "signed in");
  else if (outcome.error().code == "login_abandoned")
    log::write(log::Priority::kInfo, {.mailbox = mailbox, .event = "login_abandoned"},
               concat("the sign-in is off: ", outcome.error().what));
  else
    log::write(log::Priority::kWarning,
               {.mailbox = mailbox, .error = outcome.error().code, .catalog = &log::events::kLoginFailed},
               concat("the sign-in failed: ", outcome.error().what));
}

[[nodiscard]] LoginEvent event_of(const mailbox::DevicePrompt& prompt) {
  LoginEvent event;
  event.flow = LoginFlow::kDevice;
  event.verification_uri = prompt.verification_uri;
  event.verification_uri_complete = prompt.verification_uri_complete;
  event.user_code = prompt.user_code;
  event.expires_at = prompt.expires_at;
  return event;
}

[[nodiscard]] LoginEvent event_of(const mailbox::RedirectPrompt& prompt, const ChosenFlow& chosen) {
  LoginEvent event;
  event.flow = chosen.flow;
  event.note = chosen.note;
  event.authorization_url = prompt.authorization_url;
  event.expires_at = prompt.expires_at;
  return event;
}

[[nodiscard]] Error taken_away() {
  return {ErrorKind::kOperator, "login_cancelled", "the configuration changed or the daemon stopped meanwhile",
          "sign in again if the mailbox is still there"};
}

} // namespace

std::unique_ptr<Subscription> LoginDesk::begin(runtime::TaskSet& tasks, mailbox::OauthClient& client,
                                               mailbox::TokenKeeper& keeper, LoginOrder order,
                                               std::function<void(const LoginEvent&)> on_event) {
  auto link = std::make_shared<Link>(services_.loop, order.mailbox, std::move(on_event));
  std::erase_if(links_, [](const std::weak_ptr<Link>& old) { return old.expired(); });
  links_.push_back(link);
  tasks.spawn(run(client, keeper, std::move(order), link));
  return std::make_unique<Abandonment>([link] { link->abandon(); });
}

runtime::Task<void> LoginDesk::run(mailbox::OauthClient& client, mailbox::TokenKeeper& keeper, LoginOrder order,
                                   std::shared_ptr<Link> link) {
  const ScopeExit cut_off([&link] { link->end(std::unexpected(taken_away())); }); // does nothing after an end
  auto signing_in = sign_in(client, order, link);
  Result<mailbox::SignIn> signed_in = co_await signing_in;
  Status outcome;
  if (signed_in) {
    auto adopting = keeper.adopt_sign_in(std::move(signed_in->grant), signed_in->asked_at);
    outcome = co_await adopting;
  } else {
    outcome = pass(std::move(signed_in).error());
  }
  log_end(order.mailbox, outcome);
  link->end(outcome);
}

runtime::Task<Result<mailbox::SignIn>> LoginDesk::sign_in(mailbox::OauthClient& client, const LoginOrder& order,
                                                          std::shared_ptr<Link> link) {
  // Events come in a later turn, never from inside the call that asked for them.
  co_await runtime::yield_to_loop(services_.loop);
  auto preparing = client.ready();
  const Result<const oauth::ClientRegistration*> registration = co_await preparing;
  if (!registration) co_return pass(registration.error());
  const Result<ChosenFlow> chosen =
      choose_flow(order.request, order.app.provider, (*registration)->endpoints, order.app.name);
  if (!chosen) co_return pass(chosen.error());
  if (chosen->flow == LoginFlow::kDevice) {
    auto by_code = mailbox::sign_in_by_device_code(
        services_, client, [link](const mailbox::DevicePrompt& prompt) { link->prompt(event_of(prompt)); },
        [link] { return link->is_wanted(); });
    Result<mailbox::SignIn> signed_in = co_await by_code;
    co_return signed_in;
  }
  oauth::AuthorizationWishes wishes =
      authorization_wishes(order.app, order.login_user, chosen->flow, order.request.redirect_port);
  auto by_page = mailbox::sign_in_by_redirect(
      services_, client, std::move(wishes), runtime::random_secret(oauth::AuthorizationFlow::kRandomBytes),
      [link, &chosen](const mailbox::RedirectPrompt& prompt) { link->prompt(event_of(prompt, *chosen)); }, link->entry);
  Result<mailbox::SignIn> signed_in = co_await by_page;
  co_return signed_in;
}

void LoginDesk::answer(Secret redirected, std::function<void(Result<std::string>)> done) {
  Result<oauth::RedirectReply> reply = oauth::parse_redirect(redirected.reveal());
  if (!reply) return answers_.spawn(refuse(std::move(reply).error(), std::move(done)));
  for (const std::weak_ptr<Link>& under_way : links_) {
    const std::shared_ptr<Link> link = under_way.lock();
    if (!link || !link->entry.takes(*reply)) continue;
    if (!link->entry.is_answered()) return link->answered_by(*std::move(reply), std::move(done));
    return answers_.spawn(refuse(Error(ErrorKind::kOperator, "redirect_used", "this sign-in has been answered already"),
                                 std::move(done)));
  }
  answers_.spawn(refuse(Error(ErrorKind::kOperator, "redirect_unknown", "this answers no sign-in that is open here",
                              "use the link that was shown last, and copy the whole address at its end"),
                        std::move(done)));
}

// In a later turn: never from inside the call.
runtime::Task<void> LoginDesk::refuse(Error error, std::function<void(Result<std::string>)> done) {
  co_await runtime::yield_to_loop(services_.loop);
  done(std::unexpected(std::move(error)));
}

} // namespace mailmoor::supervisor
