#include "supervisor/fleet.h"

#include "config/diff.h"
#include "log/event_ids.h"
#include "log/log.h"
#include "supervisor/translate.h"
#include "util/concat.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mailmoor::supervisor {
namespace {

using std::chrono::seconds;

constexpr runtime::Duration kStopGrace = seconds(10); // the unit's TimeoutStopSec is longer
// Longer than a token request may take: whoever waits for it gets its answer.
constexpr runtime::Duration kRefreshGrace = seconds(90);
constexpr runtime::Duration kTick = seconds(5);
constexpr std::size_t kNamed = 5; // mailboxes of many, in one line of the log

} // namespace

Fleet::Fleet(const mailbox::Services& services, FleetOptions options)
    : services_(services), options_(std::move(options)), started_at_(services.now()),
      admission_(services.loop, services.connections), share_([this] { share_connections(); }), hooks_(services),
      login_hook_(services, hooks_), new_mail_hook_(hooks_), files_pulse_(services.loop, services.files_pool),
      store_pulse_(services.loop, services.store_thread), logins_(services),
      network_(services, [this](const NetworkWatch::Way& way) { network_returned(way); }), reload_over_(services.loop),
      expiry_(services), examiner_(services.loop), tasks_(services.loop) {}

Fleet::~Fleet() {
  tasks_.cancel_all();
  examiner_.break_off(Error(ErrorKind::kOperator, "stopping", "the daemon is stopping"));
  slots_.clear(); // before the sign-ins that they use
}

void Fleet::start(Prepared prepared) {
  prepared_ = std::move(prepared);
  admission_.set_limits(prepared_.config.limits);
  admission_.pace().on_turn([this] { services_.loop.schedule(share_); });
  for (const config::Mailbox& mailbox : prepared_.config.mailboxes)
    add_mailbox(mailbox);
  expiry_.watch(expiring_credentials(prepared_));
  files_pulse_.start();
  store_pulse_.start();
  tasks_.spawn(keep_time());
  if (!options_.once) tasks_.spawn(keep_network());
  if (options_.once) tasks_.spawn(run_once());
  notifier_.ready(summary());
}

void Fleet::add_mailbox(const config::Mailbox& mailbox) {
  MailboxSlot slot;
  slot.config = mailbox;
  slot.keeper = mailbox.uses_oauth() ? keeper_for(mailbox) : nullptr;
  mailbox::MailboxSettings settings = mailbox_settings(mailbox, prepared_, options_.environment);
  settings.once = options_.once;
  slot.berths = settings.berths = admission_.berths_of(mailbox);
  settings.is_wanted_elsewhere = [this, berths = slot.berths] {
    return admission_.somebody_waits_for(berths) && admission_.room() != 0;
  };
  slot.life = std::make_unique<mailbox::Mailbox>(services_, std::move(settings), slot.keeper,
                                                 [this] { return admission_.pace().admit(); });
  slot.life->start();
  slots_.insert_or_assign(mailbox.name, std::move(slot));
}

mailbox::TokenKeeper* Fleet::keeper_for(const config::Mailbox& mailbox) {
  const config::App& config = *prepared_.config.find_app(mailbox.app);
  AppSlot& app = apps_[mailbox.app];
  if (!app.client) app.client = std::make_unique<mailbox::OauthClient>(services_, client_settings(config, prepared_));
  const std::string id = token_id(mailbox, config);
  SignInSlot& sign_in = app.sign_ins[id];
  if (!sign_in.keeper) {
    sign_in.keeper =
        std::make_unique<mailbox::TokenKeeper>(services_, *app.client, id, mailbox.name, token_source(mailbox, config));
    sign_in.logins = std::make_unique<runtime::TaskSet>(services_.loop);
    sign_in.keeper->start();
  }
  return sign_in.keeper.get();
}

runtime::Task<void> Fleet::keep_time() {
  const auto interval = notifier_.watchdog_interval();
  const runtime::Duration pause = interval ? std::min<runtime::Duration>(*interval / 3, kTick) : kTick;
  while (true) {
    tick();
    co_await runtime::sleep_for(services_.loop, pause);
  }
}

void Fleet::tick() {
  if (stopping_) return;
  const std::string stuck = what_is_stuck();
  if (stuck.empty())
    notifier_.watchdog();
  else
    log::write(log::Priority::kErr, {.catalog = &log::events::kLoopBlocked},
               concat("no progress for longer than any wait of theirs: ", stuck,
                      "; systemd's watchdog is not fed, and restarts the daemon if it lasts"));
  notifier_.status(summary());
  swap_notice_.look_at_this_process();
  if (!options_.once) look_after_hooks(); // with --once the exit status tells
  share_connections();
}

bool Fleet::healthy() const {
  return what_is_stuck().empty();
}

// For people; empty: nothing is.
std::string Fleet::what_is_stuck() const {
  std::vector<std::string> parts;
  if (!files_pulse_.is_alive()) parts.emplace_back("the threads that write Maildirs");
  if (!store_pulse_.is_alive()) parts.emplace_back("the thread that has the databases");
  if (services_.courier != nullptr && !services_.courier->is_alive()) parts.emplace_back("the courier process");
  std::size_t mailboxes = 0;
  for (const auto& [name, slot] : slots_)
    if (!slot.life->makes_progress() && ++mailboxes <= kNamed) parts.push_back(concat("mailbox ", name));
  if (mailboxes > kNamed) parts.push_back(concat(mailboxes - kNamed, " more mailboxes"));
  std::string text;
  for (const std::string& part : parts)
    text += concat(text.empty() ? "" : ", ", part);
  return text;
}

runtime::Task<void> Fleet::run_once() {
  std::vector<mailbox::Mailbox*> all;
  for (auto& [name, slot] : slots_)
    all.push_back(slot.life.get());
  for (mailbox::Mailbox* mailbox : all)
    co_await mailbox->finished().wait_until(runtime::MonoTime::max());
  // What was delivered is recorded: the store thread has done everything that was queued before this.
  auto job = [] { return true; };
  static_cast<void>(co_await services_.store_thread.run(std::move(job)));
  int exit_code = 0;
  for (const auto& [name, slot] : slots_) {
    const MailboxStatus status = describe(slot);
    if (status.state == MailboxState::kNeedsLogin) exit_code = 3;
    const bool complete = !slot.life->last_error() && status.state != MailboxState::kHeld &&
                          status.last_sync >= std::optional(started_at_);
    if (exit_code == 0 && !complete) exit_code = 1;
  }
  if (all_finished_) all_finished_(exit_code);
}

void Fleet::stop(std::function<void()> done) {
  if (std::exchange(stopping_, true)) return;
  notifier_.stopping();
  tasks_.spawn(shut_down(std::move(done)));
}

runtime::Task<void> Fleet::shut_down(std::function<void()> done) {
  const runtime::MonoTime deadline = services_.loop.now() + kStopGrace;
  examiner_.break_off(Error(ErrorKind::kOperator, "stopping", "the daemon is stopping"));
  for (auto& [name, slot] : slots_)
    slot.life->stop();
  for (auto& [name, app] : apps_)
    for (auto& [id, sign_in] : app.sign_ins)
      sign_in.keeper->retire();
  // A reload under way takes mailboxes out; it adds none any more. Nothing is looked at before it is over.
  while (reloading_)
    co_await reload_over_.wait_until(runtime::MonoTime::max());
  for (auto& [name, slot] : slots_)
    co_await slot.life->finished().wait_until(deadline);
  auto waiting = wait_until_refreshed(deadline);
  co_await waiting;
  auto job = [] { return true; };
  static_cast<void>(co_await services_.store_thread.run(std::move(job)));
  done();
}

// A rotated token that is on its way must arrive: nobody can get it again (P5).
runtime::Task<void> Fleet::wait_until_refreshed(runtime::MonoTime deadline) {
  for (auto& [name, app] : apps_)
    for (auto& [id, sign_in] : app.sign_ins)
      while (sign_in.keeper->is_retired() && sign_in.keeper->is_refreshing() && services_.loop.now() < deadline)
        co_await sign_in.keeper->changed().wait_until(deadline);
}

void Fleet::reload(std::function<void(const ReloadReport&)> done) {
  tasks_.spawn(do_reload(std::move(done)));
}

runtime::Task<void> Fleet::do_reload(std::function<void(const ReloadReport&)> done) {
  ReloadReport report;
  if (stopping_ || std::exchange(reloading_, true)) {
    report.errors.emplace_back(stopping_ ? "the daemon is stopping" : "another reload is under way");
    done(report);
    co_return;
  }
  notifier_.reloading();
  auto job = [file = options_.config_file, environment = options_.environment] {
    return prepare_blocking(file, environment);
  };
  auto next = co_await services_.files_pool.run(std::move(job));
  if (!next) {
    report.errors = std::move(next).error();
    for (const std::string& error : report.errors)
      log::write(log::Priority::kErr, {.catalog = &log::events::kConfigurationRejected}, error);
    log::write(log::Priority::kErr, {.event = "configuration_kept"},
               "the new configuration was refused; the old one stays in force");
  } else {
    auto applying = apply(*std::move(next));
    report = co_await applying;
  }
  reloading_ = false;
  reload_over_.set();
  reload_over_.reset();
  if (!stopping_) notifier_.ready(summary());
  done(report);
}

runtime::Task<ReloadReport> Fleet::apply(Prepared next) {
  const config::Diff diff = config::diff(prepared_.config, next.config);
  ReloadReport report;
  report.added = diff.added;
  report.changed = diff.changed;
  report.removed = diff.removed;
  const config::Limits& before = prepared_.config.limits;
  const config::Limits& now = next.config.limits;
  const bool other_places = before.connections != now.connections ||
                            before.connections_per_host != now.connections_per_host ||
                            before.connections_per_app != now.connections_per_app;
  for (const std::string& key : diff.global_changed)
    if (key != "limits" || other_places)
      log::write(log::Priority::kWarning, {.event = "restart_needed"},
                 concat("a change of `", key, key == "limits" ? "` that concerns connections" : "`",
                        " takes effect at the next start"));
  if (!diff.changed.empty() || !diff.removed.empty())
    examiner_.break_off(
        Error(ErrorKind::kOperator, "reloaded", "the configuration was reread meanwhile", "examine the mailbox again"));
  std::vector<std::string> leaving = diff.removed;
  leaving.insert(leaving.end(), diff.changed.begin(), diff.changed.end());
  auto retiring = retire(std::move(leaving));
  co_await retiring;
  auto clearing = retire_unused_sign_ins();
  co_await clearing;
  prepared_ = std::move(next);
  admission_.set_limits(prepared_.config.limits);
  renew_credentials();
  for (auto& [name, app] : apps_) {
    app.client->gate().set_rate(prepared_.config.limits.refreshes_per_minute);
    app.client->gate().ask_soon(); // what was wrong may have been mended at the provider
  }
  for (const config::Mailbox& mailbox : prepared_.config.mailboxes)
    if (!stopping_ && !slots_.contains(mailbox.name)) add_mailbox(mailbox);
  log::write(log::Priority::kNotice, {.catalog = &log::events::kReloaded},
             concat("configuration reread: ", report.added.size(), " mailboxes added, ", report.changed.size(),
                    " changed, ", report.removed.size(), " removed"));
  co_return report;
}

// A new secret, certificate or key in the old place: no mailbox has changed for that, but what waits may go on.
void Fleet::renew_credentials() {
  expiry_.watch(expiring_credentials(prepared_));
  for (auto& [name, app] : apps_) {
    const config::App* const config = prepared_.config.find_app(name);
    if (config == nullptr || !app.client->renew(client_settings(*config, prepared_).registration)) continue;
    log::write(log::Priority::kNotice, {.event = "credential_renewed"},
               concat("app ", name, " shows a new secret, certificate or key from now on"));
    for (auto& [id, sign_in] : app.sign_ins)
      sign_in.keeper->try_again();
    for (auto& [mailbox, slot] : slots_)
      if (slot.config.app == name && slot.life->last_error()) slot.life->credentials_changed();
  }
}

runtime::Task<void> Fleet::retire(std::vector<std::string> names) {
  const runtime::MonoTime deadline = services_.loop.now() + kStopGrace;
  for (const std::string& name : names)
    if (const auto slot = slots_.find(name); slot != slots_.end()) slot->second.life->stop();
  for (const std::string& name : names) {
    const auto slot = slots_.find(name);
    if (slot == slots_.end()) continue;
    co_await slot->second.life->finished().wait_until(deadline);
  }
  for (const std::string& name : names) {
    if (const auto slot = slots_.find(name); slot != slots_.end()) slot->second.life->dismiss_waiters();
    slots_.erase(name);
    services_.faults.forget(name);
  }
}

// Apps that changed or went: their mailboxes are retired by now. Sign-ins that no mailbox uses go, too.
runtime::Task<void> Fleet::retire_unused_sign_ins() {
  std::set<const mailbox::TokenKeeper*> used;
  for (const auto& [name, slot] : slots_)
    used.insert(slot.keeper);
  for (auto& [name, app] : apps_)
    for (auto& [id, sign_in] : app.sign_ins)
      if (!used.contains(sign_in.keeper.get())) sign_in.keeper->retire();
  auto waiting = wait_until_refreshed(stopping_ ? services_.loop.now() : services_.loop.now() + kRefreshGrace);
  co_await waiting;
  for (auto& [name, app] : apps_)
    std::erase_if(app.sign_ins, [&used](const auto& entry) { return !used.contains(entry.second.keeper.get()); });
  for (auto& [name, app] : apps_)
    if (app.sign_ins.empty()) services_.faults.forget_app(name);
  std::erase_if(apps_, [](const auto& entry) { return entry.second.sign_ins.empty(); });
}

} // namespace mailmoor::supervisor
