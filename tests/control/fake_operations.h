// Login events, and a fleet of one mailbox "alice" that does nothing by itself: tests look at what it was asked and
// answer for it.
#pragma once

#include "supervisor/operations.h"

#include <functional>
#include <string>
#include <vector>

namespace mailmoor::control {

inline supervisor::LoginEvent login_event(supervisor::LoginEvent::Kind kind) {
  supervisor::LoginEvent event;
  event.kind = kind;
  event.mailbox = "alice";
  return event;
}
inline supervisor::LoginEvent prompt(std::string user_code) {
  auto event = login_event(supervisor::LoginEvent::Kind::kPrompt);
  event.verification_uri = "https://x/device";
  event.user_code = std::move(user_code);
  return event;
}
inline supervisor::LoginEvent signed_in() {
  return login_event(supervisor::LoginEvent::Kind::kSignedIn);
}
inline supervisor::LoginEvent login_failed(std::string error) {
  auto event = login_event(supervisor::LoginEvent::Kind::kFailed);
  event.error = std::move(error);
  event.remedy = "again";
  return event;
}

class FakeOperations final : public supervisor::Operations {
 public:
  FakeOperations() {
    fleet.version = "1.2.3";
    fleet.summary = "1 mailbox";
    fleet.key_source = "credential mailmoor.key";
    supervisor::MailboxStatus& alice = fleet.mailboxes.emplace_back();
    alice.name = "alice";
    alice.state = supervisor::MailboxState::kIdle;
    alice.messages = 42;
    supervisor::FolderStatus& inbox = alice.folders.emplace_back();
    inbox.name = "INBOX";
    inbox.chosen = true;
    inbox.messages = 42;
  }

  // Counts the subscriptions that are alive.
  class Live final : public supervisor::Subscription {
   public:
    explicit Live(int& count) : count_(count) { ++count_; }
    ~Live() override { --count_; }
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;

   private:
    int& count_;
  };

  [[nodiscard]] supervisor::FleetStatus status() const override { return fleet; }
  [[nodiscard]] std::optional<supervisor::MailboxStatus> status(std::string_view mailbox) const override {
    for (const auto& status : fleet.mailboxes)
      if (status.name == mailbox) return status;
    return std::nullopt;
  }
  Result<std::unique_ptr<supervisor::Subscription>> sync(std::string_view mailbox,
                                                         std::function<void(Status)> done_in) override {
    return subscribe("sync", mailbox, [this, &done_in] { done = std::move(done_in); });
  }
  Status pause(std::string_view mailbox) override { return record("pause", mailbox); }
  Status resume(std::string_view mailbox) override { return record("resume", mailbox); }
  Status confirm(std::string_view mailbox) override { return record("confirm", mailbox); }
  Result<std::unique_ptr<supervisor::Subscription>>
  login(std::string_view mailbox, supervisor::LoginRequest request,
        std::function<void(const supervisor::LoginEvent&)> on_event_in) override {
    return subscribe("login", mailbox, [this, &request, &on_event_in] {
      login_request = request;
      on_event = std::move(on_event_in);
    });
  }
  void answer_login(Secret redirected, std::function<void(Result<std::string>)> done_in) override {
    calls.push_back("answer_login " + std::string(redirected.reveal()));
    answered = std::move(done_in);
  }
  Status logout(std::string_view mailbox, std::function<void(Status)> done_in) override {
    done = std::move(done_in);
    return record("logout", mailbox);
  }
  Status set_password(std::string_view mailbox, Secret password_in, std::function<void(Status)> done_in) override {
    password = password_in.reveal();
    done = std::move(done_in);
    return record("password", mailbox);
  }
  Result<std::unique_ptr<supervisor::Subscription>> examine(std::string_view mailbox,
                                                            supervisor::ExaminationListener listener) override {
    return subscribe("examine", mailbox, [this, &listener] { examining = std::move(listener); });
  }
  Result<std::unique_ptr<supervisor::Subscription>> verify(std::string_view mailbox, VerifyRequest request,
                                                           VerificationListener listener) override {
    return subscribe("verify", mailbox, [this, request, &listener] {
      verify_request = request;
      verifying = std::move(listener);
    });
  }
  [[nodiscard]] supervisor::FleetMetrics metrics() const override { return numbers; }
  void rotate_key(Secret provided, std::function<void(Result<KeyRotation>)> done_in) override {
    calls.emplace_back("rotate_key");
    password = provided.reveal();
    rotated = std::move(done_in);
  }
  void reload(std::function<void(const supervisor::ReloadReport&)> done_in) override {
    calls.emplace_back("reload");
    reloaded = std::move(done_in);
  }
  [[nodiscard]] bool healthy() const override { return is_healthy; }

  supervisor::FleetStatus fleet;
  supervisor::FleetMetrics numbers;
  supervisor::ExaminationListener examining;
  VerifyRequest verify_request;
  VerificationListener verifying;
  bool is_healthy = true;
  std::optional<Error> refusal; // what every order is refused with
  std::vector<std::string> calls;
  std::string password;
  int subscriptions = 0; // alive
  supervisor::LoginRequest login_request;
  std::function<void(Status)> done;
  std::function<void(Result<std::string>)> answered;
  std::function<void(const supervisor::LoginEvent&)> on_event;
  std::function<void(const supervisor::ReloadReport&)> reloaded;
  std::function<void(Result<KeyRotation>)> rotated;

 private:
  Status record(std::string_view what, std::string_view mailbox) {
    calls.push_back(std::string(what) + ' ' + std::string(mailbox));
    if (refusal) return pass(*refusal);
    return {};
  }

  template<class Function>
  Result<std::unique_ptr<supervisor::Subscription>> subscribe(std::string_view what, std::string_view mailbox,
                                                              Function keep) {
    if (auto recorded = record(what, mailbox); !recorded) return pass(recorded.error());
    keep();
    return std::make_unique<Live>(subscriptions);
  }
};

} // namespace mailmoor::control
