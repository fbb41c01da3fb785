// sync, pause, resume, confirm, logout, password: orders to mailboxes.
#include "cli/commands.h"
#include "cli/password_input.h"
#include "cli/streamed_order.h"
#include "control/wire.h"
#include "util/concat.h"
#include "util/printable.h"

#include <unistd.h>

namespace mailmoor::cli {

namespace {

void tell(const Context& context, std::string_view mailbox, const std::string& body, std::string_view done) {
  if (context.invocation.json)
    context.console.out(body + '\n');
  else
    context.console.out(concat(printable(mailbox), ": ", done, '\n'));
}

Exit order(const Context& context, std::string_view verb, std::string_view done, const Secret& body = {}) {
  const std::string& mailbox = context.invocation.mailboxes.front();
  const Answer answer = context.client.post(DaemonClient::mailbox_path(mailbox, verb), body);
  if (!answer) return report(context, answer.error());
  tell(context, mailbox, *answer, done);
  return Exit::kDone;
}

} // namespace

Exit run_pause(const Context& context) {
  return order(context, "pause", "paused");
}

Exit run_resume(const Context& context) {
  return order(context, "resume", "resumed");
}

Exit run_confirm(const Context& context) {
  return order(context, "confirm", "what is gone on the server is now removed here, into the trash");
}

Exit run_logout(const Context& context) {
  return order(context, "logout", "signed out; its mail stays where it is");
}

Exit run_password(const Context& context) {
  const std::string prompt = concat("Password of ", printable(context.invocation.mailboxes.front()), ": ");
  const auto password =
      context.invocation.from_stdin ? read_password_blocking(STDIN_FILENO) : ask_password_blocking(prompt);
  if (!password) return worse(Exit::kUsage, report(context, password.error()));
  return order(context, "password", "password stored", *password);
}

Exit run_sync(const Context& context) {
  const auto mailboxes = named_mailboxes(context);
  if (!mailboxes) return report(context, mailboxes.error());
  Exit worst = Exit::kDone;
  std::vector<DaemonClient::Request> requests;
  for (const std::string& mailbox : *mailboxes) {
    const std::string path = DaemonClient::mailbox_path(mailbox, context.invocation.wait ? "sync?wait=1" : "sync");
    requests.push_back({path, nullptr, [&context, &worst, &mailbox](const Answer& answer) {
                          if (answer)
                            return tell(context, mailbox, *answer,
                                        context.invocation.wait ? "complete" : "sync started");
                          // Whatever the error is called: this state ends by a login only.
                          const bool needs_login = answer.error().state == "needs_login";
                          const Exit exit = report(context, answer.error());
                          worst = worse(worst, needs_login ? Exit::kNeedsLogin : exit);
                        }});
  }
  context.client.post_all(std::move(requests));
  return worst;
}

} // namespace mailmoor::cli
