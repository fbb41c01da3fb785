// The operator's side of the fleet: what control/ asks for.
#include "courier/courier.h"
#include "log/event_ids.h"
#include "log/log.h"
#include "runtime/wait.h"
#include "store/derived_key.h"
#include "store/key_rotation.h"
#include "supervisor/fleet.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <array>
#include <functional>
#include <utility>

namespace mailmoor::supervisor {
namespace {

// Takes back a request when the one who asked goes away.
class Cancellation final : public Subscription {
 public:
  explicit Cancellation(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  ~Cancellation() override { cancel_(); }

 private:
  std::function<void()> cancel_;
};

} // namespace

Result<Fleet::MailboxSlot*> Fleet::find(std::string_view mailbox) {
  const auto slot = slots_.find(mailbox);
  if (slot == slots_.end())
    return fail(ErrorKind::kOperator, "no_such_mailbox", concat("there is no mailbox \"", mailbox, "\""),
                "mailmoorctl status lists them");
  return &slot->second;
}

FleetStatus Fleet::status() const {
  FleetStatus fleet;
  fleet.version = services_.version;
  fleet.started_at = started_at_;
  fleet.key_source = options_.key_source;
  fleet.summary = summary();
  for (const auto& [name, app] : apps_)
    fleet.apps.push_back(describe(name, app));
  for (const auto& [name, slot] : slots_)
    fleet.mailboxes.push_back(describe(slot));
  return fleet;
}

std::optional<MailboxStatus> Fleet::status(std::string_view mailbox) const {
  const auto slot = slots_.find(mailbox);
  return slot == slots_.end() ? std::nullopt : std::optional(describe(slot->second));
}

AppStatus Fleet::describe(const std::string& name, const AppSlot& app) const {
  AppStatus status;
  status.name = name;
  const mailbox::AppGate& gate = app.client->gate();
  if (const auto obstacle = gate.obstacle()) {
    status.state = gate.fault() ? AppStatus::State::kRefused : AppStatus::State::kThrottled;
    status.reason = obstacle->what;
    status.remedy = obstacle->remedy;
    status.retry_at = gate.asks_again_at();
  }
  for (const auto& [mailbox, slot] : slots_)
    if (slot.config.app == name) ++status.mailboxes;
  return status;
}

MailboxStatus Fleet::describe(const MailboxSlot& slot) const {
  const mailbox::MailboxView view = slot.life->view();
  MailboxStatus status;
  status.name = slot.config.name;
  status.app = slot.config.app;
  if (slot.keeper != nullptr) status.login_user = slot.config.login_user;
  status.state = view.state;
  status.since = view.since;
  status.reason = view.reason;
  status.remedy = view.remedy;
  status.retry_at = view.retry_at;
  status.last_sync = view.last_sync;
  status.messages = view.messages;
  status.behind = view.behind;
  status.messages_per_second = view.messages_per_second;
  status.rate_limit = view.rate_limit;
  status.daily_bytes = view.daily_bytes;
  status.daily_bytes_used = view.daily_bytes_used;
  status.messages_fetched = view.fetched;
  status.octets_fetched = view.octets;
  if (slot.keeper != nullptr) status.token_expires_at = slot.keeper->expires_at();
  for (const auto& [wire, folder] : slot.life->folders()) {
    FolderStatus& row = status.folders.emplace_back();
    row.name = folder.name.utf8();
    row.directory =
        folder.place.mailbox_directory.empty() ? folder.recorded_directory : mailbox::directory_of(folder.place);
    row.chosen = folder.chosen;
    row.why = folder.why;
    row.messages = folder.recorded.known.size();
    row.behind = folder.behind;
    row.last_sync = folder.last_sync;
    // A folder that was left out since is not waited for; before the first LIST nothing is known of that.
    if (!folder.chosen && !folder.why.empty()) continue;
    row.too_old = folder.recorded.left_out.too_old.size();
    row.too_large = folder.recorded.left_out.too_large.size();
    for (const sync::RetryRecord& retry : folder.recorded.retries)
      status.poison.push_back({folder.name.utf8(), retry.uid.value(), retry.reason, retry.next_try});
    for (const LargeMessage& message : folder.recorded.left_out.too_large) {
      if (status.too_large.size() >= MailboxStatus::kMaxTooLarge) break;
      status.too_large.push_back({folder.name.utf8(), message.uid.value(), message.size});
    }
  }
  return status;
}

std::string Fleet::summary() const {
  std::map<MailboxState, std::size_t> counts;
  std::uint64_t behind = 0;
  for (const auto& [name, slot] : slots_) {
    const mailbox::MailboxView view = slot.life->view();
    ++counts[view.state];
    behind += view.behind;
  }
  std::string text = concat(slots_.size(), slots_.size() == 1 ? " mailbox: " : " mailboxes: ");
  bool first = true;
  for (const auto& [state, count] : counts) {
    text += concat(std::exchange(first, false) ? "" : ", ", count, " ", mailbox_state_name(state));
  }
  if (behind != 0) text += concat("; ", behind, " messages behind");
  return text;
}

Result<std::unique_ptr<Subscription>> Fleet::sync(std::string_view mailbox, std::function<void(Status)> done) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  const auto ticket = (*slot)->life->sync_now(std::move(done));
  if (!ticket) return pass(ticket.error());
  return std::make_unique<Cancellation>([this, name = std::string(mailbox), ticket = *ticket] {
    if (const auto still = slots_.find(name); still != slots_.end()) still->second.life->cancel_sync(ticket);
  });
}

Result<std::unique_ptr<Subscription>> Fleet::verify(std::string_view mailbox, VerifyRequest request,
                                                    VerificationListener listener) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  const auto ticket = (*slot)->life->verify_now(request, std::move(listener));
  if (!ticket) return pass(ticket.error());
  return std::make_unique<Cancellation>([this, name = std::string(mailbox), ticket = *ticket] {
    if (const auto still = slots_.find(name); still != slots_.end()) still->second.life->cancel_verify(ticket);
  });
}

Status Fleet::pause(std::string_view mailbox) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  (*slot)->life->pause();
  return {};
}

Status Fleet::resume(std::string_view mailbox) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  (*slot)->life->resume();
  return {};
}

Status Fleet::confirm(std::string_view mailbox) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  if (!(*slot)->life->confirm())
    return fail(ErrorKind::kOperator, "nothing_held", concat("nothing of ", mailbox, " waits for your word"));
  return {};
}

Result<std::unique_ptr<Subscription>> Fleet::login(std::string_view mailbox, LoginRequest request,
                                                   std::function<void(const LoginEvent&)> on_event) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  if ((*slot)->keeper == nullptr)
    return fail(ErrorKind::kOperator, "not_oauth", concat(mailbox, " signs in with a password, not with OAuth2"),
                concat("run: mailmoorctl password ", mailbox));
  if (!(*slot)->keeper->source().needs_person())
    return fail(ErrorKind::kOperator, "no_person_signs_in",
                concat("nobody signs in to ", mailbox, ": its app ", (*slot)->config.app, " asks for tokens by itself"),
                concat("see how it fares: mailmoorctl status ", mailbox));
  const config::Mailbox& config = (*slot)->config;
  AppSlot& app = apps_.at(config.app);
  SignInSlot& sign_in = app.sign_ins.at((*slot)->keeper->token_id());
  LoginOrder order;
  order.mailbox = mailbox;
  order.app = *prepared_.config.find_app(config.app);
  order.login_user = config.login_user;
  order.request = request;
  return logins_.begin(*sign_in.logins, *app.client, *sign_in.keeper, std::move(order), std::move(on_event));
}

void Fleet::answer_login(Secret redirected, std::function<void(Result<std::string>)> done) {
  logins_.answer(std::move(redirected), std::move(done));
}

Status Fleet::logout(std::string_view mailbox, std::function<void(Status)> done) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  if ((*slot)->keeper != nullptr && !(*slot)->keeper->source().needs_person())
    return fail(ErrorKind::kOperator, "no_person_signs_in",
                concat("there is no sign-in of ", mailbox, " to forget: its app ", (*slot)->config.app,
                       " asks for tokens by itself"),
                concat("to stop it: mailmoorctl pause ", mailbox, ", or take it out of the configuration"));
  const auto forget = [](Fleet& fleet, std::string name, std::function<void(Status)> told) -> runtime::Task<void> {
    MailboxSlot& found = fleet.slots_.at(name);
    mailbox::TokenKeeper* const keeper = found.keeper;
    Status forgotten;
    if (keeper != nullptr) {
      auto forgetting = keeper->forget();
      forgotten = co_await forgetting;
    } else {
      auto job = [&vault = fleet.services_.vault, &name] { return vault.erase_password_blocking(name); };
      forgotten = co_await fleet.services_.store_thread.run(std::move(job));
    }
    for (auto& [other, entry] : fleet.slots_)
      if (forgotten && (other == name || (keeper != nullptr && entry.keeper == keeper))) entry.life->sign_out();
    if (forgotten)
      log::write(log::Priority::kNotice, {.mailbox = name, .catalog = &log::events::kSignedOut}, "signed out");
    told(std::move(forgotten));
  };
  // With the sign-in that it is about, if there is one: a reload that takes that away takes this with it.
  mailbox::TokenKeeper* const keeper = (*slot)->keeper;
  runtime::TaskSet& tasks =
      keeper != nullptr ? *apps_.at((*slot)->config.app).sign_ins.at(keeper->token_id()).logins : tasks_;
  tasks.spawn(forget(*this, std::string(mailbox), std::move(done)));
  return {};
}

Status Fleet::set_password(std::string_view mailbox, Secret password, std::function<void(Status)> done) {
  auto slot = find(mailbox);
  if (!slot) return pass(std::move(slot).error());
  if ((*slot)->keeper != nullptr)
    return fail(ErrorKind::kOperator, "uses_oauth", concat(mailbox, " signs in with OAuth2, not with a password"),
                concat("run: mailmoorctl login ", mailbox));
  if ((*slot)->config.password.is_set())
    return fail(ErrorKind::kOperator, "password_configured",
                concat("the password of ", mailbox, " comes from ", (*slot)->config.password.describe()),
                "remove `password` from its configuration to use a stored one");
  const auto keep = [](Fleet& fleet, std::string name, Secret secret,
                       std::function<void(Status)> told) -> runtime::Task<void> {
    auto job = [&vault = fleet.services_.vault, &name, &secret] { return vault.save_password_blocking(name, secret); };
    Status saved = co_await fleet.services_.store_thread.run(std::move(job));
    if (const auto found = fleet.slots_.find(name); saved && found != fleet.slots_.end())
      found->second.life->credentials_changed();
    told(std::move(saved));
  };
  tasks_.spawn(keep(*this, std::string(mailbox), std::move(password), std::move(done)));
  return {};
}

// The courier seals the answers in its journal with a key that follows from the master key: none may be there, or on
// its way, while that changes.
runtime::Task<void> Fleet::do_rotate_key(Secret provided, std::function<void(Result<KeyRotation>)> done) {
  co_await runtime::yield_to_loop(services_.loop); // `done` is called in a later turn, whatever comes
  if (rotating_)
    co_return done(fail(ErrorKind::kOperator, "rotation_under_way", "a key rotation is under way", "wait for it"));
  rotating_ = true;
  const ScopeExit over([this] { rotating_ = false; });
  courier::Courier* const courier = services_.courier;
  if (courier != nullptr) {
    auto holding = courier->hold();
    const Status held = co_await holding;
    if (!held) co_return done(pass(held.error()));
  }
  auto job = [this, &provided] {
    auto rotated = store::rotate_key_blocking(services_.vault, options_.key, provided);
    auto journal_key = store::derive_key(services_.vault.key(), courier::kJournalPurpose);
    return std::pair(std::move(rotated), std::move(journal_key));
  };
  auto outcome = co_await services_.store_thread.run(std::move(job));
  auto& [rotated, journal_key] = outcome;
  // Without a key the courier stays held: a restart finds one. OpenSSL does not fail here on a sound machine.
  if (courier != nullptr && journal_key) courier->release(*std::move(journal_key));
  if (rotated) {
    options_.key_source = rotated->key_source;
    log::write(log::Priority::kNotice, {.catalog = &log::events::kKeyRotated}, to_text(*rotated));
  } else {
    log::write(log::Priority::kErr, {.event = "key_not_rotated", .error = rotated.error().code},
               concat("the key rotation failed: ", rotated.error().what));
  }
  done(std::move(rotated));
}

void Fleet::rotate_key(Secret provided, std::function<void(Result<KeyRotation>)> done) {
  tasks_.spawn(do_rotate_key(std::move(provided), std::move(done)));
}

} // namespace mailmoor::supervisor
