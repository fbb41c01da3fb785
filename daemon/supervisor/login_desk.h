// The sign-ins under way: runs them, tells those who asked, and finds the one that an address from a browser answers.
// Owned by the fleet. Loop thread only.
#pragma once

#include "config/config.h"
#include "mailbox/oauth_client.h"
#include "mailbox/redirect_login.h"
#include "mailbox/services.h"
#include "mailbox/token_keeper.h"
#include "runtime/task.h"
#include "runtime/task_set.h"
#include "supervisor/operations.h"
#include "util/secret.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mailmoor::supervisor {

struct LoginOrder {
  std::string mailbox;
  config::App app;
  std::string login_user;
  LoginRequest request;
};

class LoginDesk final {
 public:
  explicit LoginDesk(const mailbox::Services& services) : services_(services) {}
  LoginDesk(const LoginDesk&) = delete;
  LoginDesk& operator=(const LoginDesk&) = delete;
  ~LoginDesk() = default;

  // The sign-in runs in `tasks`, which goes before `client`, `keeper` and this desk; its end is told even then.
  [[nodiscard]] std::unique_ptr<Subscription> begin(runtime::TaskSet& tasks, mailbox::OauthClient& client,
                                                    mailbox::TokenKeeper& keeper, LoginOrder order,
                                                    std::function<void(const LoginEvent&)> on_event);
  // Operations::answer_login. Errors: kOperator "redirect_not_understood", "redirect_unknown", "redirect_used", and
  // what the sign-in ended with.
  void answer(Secret redirected, std::function<void(Result<std::string>)> done);

 private:
  class Link;

  [[nodiscard]] runtime::Task<void> run(mailbox::OauthClient& client, mailbox::TokenKeeper& keeper, LoginOrder order,
                                        std::shared_ptr<Link> link);
  [[nodiscard]] runtime::Task<Result<mailbox::SignIn>> sign_in(mailbox::OauthClient& client, const LoginOrder& order,
                                                               std::shared_ptr<Link> link);
  [[nodiscard]] runtime::Task<void> refuse(Error error, std::function<void(Result<std::string>)> done);

  const mailbox::Services& services_;
  std::vector<std::weak_ptr<Link>> links_; // of the sign-ins under way
  runtime::TaskSet answers_{services_.loop};
};

} // namespace mailmoor::supervisor
