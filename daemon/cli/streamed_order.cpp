#include "cli/streamed_order.h"

#include "control/wire.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::cli {

Exit StreamedOrder::run() {
  std::vector<DaemonClient::Request> requests;
  requests.push_back({path_,
                      [this](std::string_view line) {
                        if (!ended_) on_line(line);
                      },
                      [this](const Answer& answer) { on_end(answer); }});
  context_.client.post_all(std::move(requests));
  return worst_;
}

void StreamedOrder::on_end(const Answer& answer) {
  if (ended_) return;
  on_broken_off();
  if (!answer) {
    // Whatever the error is called: this state ends by a login only.
    const bool needs_login = answer.error().state == "needs_login";
    const Exit exit = report(context_, answer.error());
    return end(needs_login ? Exit::kNeedsLogin : exit);
  }
  end(report(context_, control::make_problem(502, "broken_off", concat("the daemon broke ", what_, " off"),
                                             "see that it runs, then try again")));
}

void StreamedOrder::end(Exit exit) {
  ended_ = true;
  worsen(exit);
}

std::expected<std::vector<std::string>, control::Problem> named_mailboxes(const Context& context) {
  if (!context.invocation.mailboxes.empty()) return context.invocation.mailboxes;
  const Answer answer = context.client.get("/v1/status");
  if (!answer) return std::unexpected(answer.error());
  const auto fleet = control::fleet_status_from_json(*answer);
  if (!fleet) return std::unexpected(control::problem_from(fleet.error()));
  std::vector<std::string> names;
  for (const auto& mailbox : fleet->mailboxes)
    names.push_back(mailbox.name);
  return names;
}

} // namespace mailmoor::cli
