// Several logins at once: asks the daemon for them, shows a person what to do, hands on what browsers and people bring,
// renews what runs out. Used by the login command.
#pragma once

#include "cli/commands.h"
#include "cli/login_plan.h"
#include "cli/login_view.h"
#include "cli/pasted_text.h"
#include "cli/redirect_listener.h"
#include "cli/request_set.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::cli {

class Logins final {
 public:
  // As many as the control socket of the daemon has room for beside others: a person may sign in to them in any order.
  static constexpr std::size_t kWindow = 100;

  Logins(const Context& context, std::vector<LoginGroup> groups);

  Exit run();

 private:
  struct Login {
    LoginGroup group;
    RequestSet::Id request = 0;
    bool has_ended = false;
    bool waits_for_paste = false;
    int renewals = 0;
  };

  [[nodiscard]] Exit listen_if_wanted();
  void begin(Login& login);
  void on_line(Login& login, std::string_view line);
  void on_end(Login& login, const Answer& answer);
  void on_prompt(Login& login, const LoginEvent& event);
  [[nodiscard]] bool is_renewed(Login& login, const LoginEvent& event);
  void end(Login& login, LoginEvent event, Exit exit);
  void show(const Login& login, const LoginEvent& event);
  void say(const std::string& text);

  void watch_input();
  void read_input();
  void hand_in_pasted(const std::vector<std::string>& addresses);
  void on_browser(const std::string& target, const RedirectListener::Respond& respond);
  void end_of_input();

  void advance();
  [[nodiscard]] bool is_done() const;
  void tell_interrupted();

  const Context& context_;
  std::vector<Login> logins_;
  RequestSet requests_;
  std::unique_ptr<RedirectListener> listener_; // null: nobody waits for a browser
  PastedText pasted_;
  std::chrono::steady_clock::time_point last_pasted_;
  LoginBoard board_;
  Exit worst_ = Exit::kDone;
  int handed_in_ = 0;    // pasted addresses that the daemon has not answered yet
  int taken_ = 0;        // those that belonged to a login, which so has an end before it
  int ended_pastes_ = 0; // logins by paste that have ended
  bool watches_input_ = false;
  bool input_ended_ = false;
  bool has_hinted_ = false;
  bool interrupted_ = false;
};

} // namespace mailmoor::cli
