// The fleet: every mailbox and every sign-in of the configuration, and what the operator does with them.
// Owns them all; made once by main. Loop thread only.
#pragma once

#include "config/environment.h"
#include "mailbox/mailbox.h"
#include "mailbox/oauth_client.h"
#include "mailbox/services.h"
#include "mailbox/token_keeper.h"
#include "runtime/run_task.h"
#include "runtime/task_set.h"
#include "store/master_key.h"
#include "supervisor/admission.h"
#include "supervisor/examiner.h"
#include "supervisor/expiry_watch.h"
#include "supervisor/hook_runner.h"
#include "supervisor/login_desk.h"
#include "supervisor/login_hook.h"
#include "supervisor/network_watch.h"
#include "supervisor/new_mail_hook.h"
#include "supervisor/notifier.h"
#include "supervisor/operations.h"
#include "supervisor/prepared.h"
#include "supervisor/pulse.h"
#include "supervisor/swap_notice.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mailmoor::supervisor {

struct FleetOptions {
  std::string config_file;
  config::Environment environment;
  std::string key_source; // for status
  store::KeyOptions key;  // where the master key is
  bool once = false;
};

class Fleet final : public Operations {
 public:
  Fleet(const mailbox::Services& services, FleetOptions options);
  ~Fleet() override;

  // Starts every mailbox of `prepared`, and tells systemd that we are ready.
  void start(Prepared prepared);
  // Finishes what is in flight, for 10 s at most; `done` is called once.
  void stop(std::function<void()> done);
  // With FleetOptions::once: called when every mailbox has had its pass. `exit_code` as in mailmoord(8).
  void on_all_finished(std::function<void(int exit_code)> done) { all_finished_ = std::move(done); }
  // Feeds the watchdog and tells systemd how we are; called by itself every few seconds while running.
  void tick();

  [[nodiscard]] FleetStatus status() const override;
  [[nodiscard]] std::optional<MailboxStatus> status(std::string_view mailbox) const override;
  [[nodiscard]] Result<std::unique_ptr<Subscription>> sync(std::string_view mailbox,
                                                           std::function<void(Status)> done) override;
  [[nodiscard]] Status pause(std::string_view mailbox) override;
  [[nodiscard]] Status resume(std::string_view mailbox) override;
  [[nodiscard]] Status confirm(std::string_view mailbox) override;
  [[nodiscard]] Result<std::unique_ptr<Subscription>> login(std::string_view mailbox, LoginRequest request,
                                                            std::function<void(const LoginEvent&)> on_event) override;
  void answer_login(Secret redirected, std::function<void(Result<std::string>)> done) override;
  [[nodiscard]] Status logout(std::string_view mailbox, std::function<void(Status)> done) override;
  [[nodiscard]] Status set_password(std::string_view mailbox, Secret password,
                                    std::function<void(Status)> done) override;
  [[nodiscard]] Result<std::unique_ptr<Subscription>> verify(std::string_view mailbox, VerifyRequest request,
                                                             VerificationListener listener) override;
  [[nodiscard]] Result<std::unique_ptr<Subscription>> examine(std::string_view mailbox,
                                                              ExaminationListener listener) override;
  [[nodiscard]] FleetMetrics metrics() const override;
  void rotate_key(Secret provided, std::function<void(Result<KeyRotation>)> done) override;
  void reload(std::function<void(const ReloadReport&)> done) override;
  [[nodiscard]] bool healthy() const override;

 private:
  // One sign-in: its token, and the logins under way for it, which go first.
  struct SignInSlot {
    std::unique_ptr<mailbox::TokenKeeper> keeper;
    std::unique_ptr<runtime::TaskSet> logins;
  };
  // One app registration and the sign-ins that use it.
  struct AppSlot {
    std::unique_ptr<mailbox::OauthClient> client;
    std::map<std::string, SignInSlot> sign_ins; // by token id
  };
  struct MailboxSlot {
    config::Mailbox config;
    mailbox::TokenKeeper* keeper = nullptr; // null: signs in with a password
    Admission::Berths berths;
    std::unique_ptr<mailbox::Mailbox> life;
  };
  using Slots = std::map<std::string, MailboxSlot, std::less<>>;

  [[nodiscard]] Result<MailboxSlot*> find(std::string_view mailbox);
  [[nodiscard]] MailboxStatus describe(const MailboxSlot& slot) const;
  [[nodiscard]] AppStatus describe(const std::string& name, const AppSlot& app) const;
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] std::string what_is_stuck() const;
  void look_after_hooks();
  void share_connections();
  [[nodiscard]] static std::optional<NetworkWatch::Way> way_of(const MailboxSlot& slot);
  [[nodiscard]] bool watch_network();
  void network_returned(const NetworkWatch::Way& way);
  void add_mailbox(const config::Mailbox& mailbox);
  [[nodiscard]] mailbox::TokenKeeper* keeper_for(const config::Mailbox& mailbox);
  [[nodiscard]] runtime::Task<void> keep_time();
  [[nodiscard]] runtime::Task<void> keep_network();
  [[nodiscard]] runtime::Task<void> run_once();
  [[nodiscard]] runtime::Task<void> shut_down(std::function<void()> done);
  [[nodiscard]] runtime::Task<void> do_reload(std::function<void(const ReloadReport&)> done);
  [[nodiscard]] runtime::Task<ReloadReport> apply(Prepared next);
  void renew_credentials();
  [[nodiscard]] runtime::Task<void> do_rotate_key(Secret provided, std::function<void(Result<KeyRotation>)> done);
  [[nodiscard]] runtime::Task<void> retire(std::vector<std::string> names);
  [[nodiscard]] runtime::Task<void> retire_unused_sign_ins();
  [[nodiscard]] runtime::Task<void> wait_until_refreshed(runtime::MonoTime deadline);

  const mailbox::Services& services_;
  FleetOptions options_;
  Prepared prepared_;
  UnixTime started_at_;
  Admission admission_;
  runtime::Wakeup share_;
  HookRunner hooks_;
  LoginHook login_hook_;
  NewMailHook new_mail_hook_;
  Notifier notifier_;
  Pulse files_pulse_;
  Pulse store_pulse_;
  SwapNotice swap_notice_;
  LoginDesk logins_; // outlives the sign-ins under way, which run in apps_
  std::map<std::string, AppSlot> apps_;
  Slots slots_;
  NetworkWatch network_;
  std::string gave_way_; // the last mailbox that was asked for its connection
  std::function<void(int)> all_finished_;
  runtime::Event reload_over_; // set for a moment
  bool reloading_ = false;
  bool rotating_ = false;
  bool stopping_ = false;
  ExpiryWatch expiry_;
  Examiner examiner_;
  runtime::TaskSet tasks_; // logins, logouts, reloads: go before what they refer to
};

} // namespace mailmoor::supervisor
