#include "cli/commands.h"
#include "cli/login_view.h"
#include "control/wire.h"
#include "util/concat.h"

#include <map>
#include <utility>

namespace mailmoor::cli {

namespace {

std::expected<std::vector<std::string>, control::Problem> pending_mailboxes(const Context& context) {
  const Answer answer = context.client.get("/v1/status");
  if (!answer) return std::unexpected(answer.error());
  const auto fleet = control::fleet_status_from_json(*answer);
  if (!fleet) return std::unexpected(control::problem_from(fleet.error()));
  std::vector<std::string> names;
  for (const auto& mailbox : fleet->mailboxes)
    if (mailbox.state == MailboxState::kNeedsLogin) names.push_back(mailbox.name);
  return names;
}

// Several logins at once and what is shown of them.
class Logins final {
 public:
  Logins(const Context& context, std::vector<std::string> mailboxes)
      : context_(context), mailboxes_(std::move(mailboxes)) {}

  Exit run() {
    std::vector<DaemonClient::Request> requests;
    for (const std::string& mailbox : mailboxes_)
      requests.push_back({DaemonClient::mailbox_path(mailbox, "login"),
                          [this, &mailbox](std::string_view line) { on_line(mailbox, line); },
                          [this, &mailbox](const Answer& answer) { on_end(mailbox, answer); }});
    context_.client.post_all(std::move(requests));
    return worst_;
  }

 private:
  void on_line(const std::string& mailbox, std::string_view line) {
    const auto event = control::login_event_from_json(line);
    if (!event) return end(failed(mailbox, event.error().what, event.error().remedy), Exit::kFailed);
    if (event->kind == LoginEvent::Kind::kPrompt) return show(*event);
    end(*event, event->kind == LoginEvent::Kind::kSignedIn ? Exit::kDone : Exit::kFailed);
  }

  void on_end(const std::string& mailbox, const Answer& answer) {
    if (ended_[mailbox]) return;
    if (!answer) return end(failed(mailbox, answer.error().detail, answer.error().remedy), exit_for(answer.error()));
    end(failed(mailbox, "the daemon broke the login off", "see that it runs, then try again"), Exit::kFailed);
  }

  static LoginEvent failed(const std::string& mailbox, const std::string& error, const std::string& remedy) {
    LoginEvent event;
    event.mailbox = mailbox;
    event.error = error;
    event.remedy = remedy;
    return event;
  }

  void end(const LoginEvent& event, Exit exit) {
    if (std::exchange(ended_[event.mailbox], true)) return;
    worst_ = worse(worst_, exit);
    show(event);
  }

  void show(const LoginEvent& event) {
    const auto width = context_.console.width();
    if (context_.invocation.json)
      context_.console.out(control::to_json(event) + '\n');
    else if (width && mailboxes_.size() > 1)
      context_.console.out(board_.show(event, current_time(), *width));
    else
      context_.console.out(describe(event, current_time()));
  }

  const Context& context_;
  std::vector<std::string> mailboxes_;
  std::map<std::string, bool> ended_;
  LoginBoard board_;
  Exit worst_ = Exit::kDone;
};

} // namespace

Exit run_login(const Context& context) {
  const Invocation& invocation = context.invocation;
  if (invocation.all_pending && !invocation.mailboxes.empty())
    return worse(Exit::kUsage, report(context, control::make_problem(
                                                   400, "usage", "name mailboxes or give --all-pending, not both")));
  std::vector<std::string> mailboxes = invocation.mailboxes;
  if (mailboxes.empty()) {
    auto pending = pending_mailboxes(context);
    if (!pending) return report(context, pending.error());
    if (pending->size() > 1 && !invocation.all_pending)
      return worse(Exit::kUsage, report(context, control::make_problem(
                                                     400, "usage", concat(pending->size(), " mailboxes need a login"),
                                                     "name those you want, or give --all-pending")));
    mailboxes = std::move(*pending);
  }
  if (mailboxes.empty() && !invocation.json) context.console.out("no mailbox needs a login\n");
  return Logins(context, std::move(mailboxes)).run();
}

} // namespace mailmoor::cli
