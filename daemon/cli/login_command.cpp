#include "cli/commands.h"
#include "cli/login_plan.h"
#include "cli/logins.h"
#include "control/wire.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::cli {

namespace {

std::expected<FleetStatus, control::Problem> fleet_status(const Context& context) {
  const Answer answer = context.client.get("/v1/status");
  if (!answer) return std::unexpected(answer.error());
  auto fleet = control::fleet_status_from_json(*answer);
  if (!fleet) return std::unexpected(control::problem_from(fleet.error()));
  return *std::move(fleet);
}

Exit misused(const Context& context, const std::string& what, std::string_view remedy = {}) {
  return worse(Exit::kUsage, report(context, control::make_problem(400, "usage", what, remedy)));
}

} // namespace

Exit run_login(const Context& context) {
  const Invocation& invocation = context.invocation;
  if (invocation.all_pending && !invocation.mailboxes.empty())
    return misused(context, "name mailboxes or give --all-pending, not both");
  if (invocation.mailboxes.size() == 1) {
    std::vector<LoginGroup> one(1);
    one.front().mailbox = invocation.mailboxes.front();
    return Logins(context, std::move(one)).run();
  }
  const auto fleet = fleet_status(context);
  if (!fleet) return report(context, fleet.error());
  const bool is_named = !invocation.mailboxes.empty();
  std::vector<LoginGroup> groups = group_by_token(*fleet, is_named ? invocation.mailboxes : pending_mailboxes(*fleet));
  if (!is_named && !invocation.all_pending && groups.size() > 1)
    return misused(context, concat(groups.size(), " sign-ins are needed"),
                   "name the mailboxes you want, or give --all-pending");
  if (groups.empty() && !invocation.json) context.console.out("no mailbox needs a login\n");
  if (groups.empty()) return Exit::kDone;
  return Logins(context, std::move(groups)).run();
}

} // namespace mailmoor::cli
