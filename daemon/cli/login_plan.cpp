#include "cli/login_plan.h"

#include <algorithm>
#include <map>
#include <utility>

namespace mailmoor::cli {

std::vector<std::string> pending_mailboxes(const FleetStatus& fleet) {
  std::vector<std::string> names;
  for (const MailboxStatus& mailbox : fleet.mailboxes)
    if (mailbox.state == MailboxState::kNeedsLogin) names.push_back(mailbox.name);
  return names;
}

std::vector<LoginGroup> group_by_token(const FleetStatus& fleet, const std::vector<std::string>& names) {
  std::vector<LoginGroup> groups;
  std::map<std::pair<std::string, std::string>, std::size_t> group_of; // by app and login_user
  for (const std::string& name : names) {
    const auto known = std::ranges::find(fleet.mailboxes, name, &MailboxStatus::name);
    // A mailbox with a password has no app, and shares nothing.
    const bool has_token = known != fleet.mailboxes.end() && !known->app.empty();
    if (has_token) {
      const auto [at, is_new] = group_of.try_emplace({known->app, known->login_user}, groups.size());
      LoginGroup* const group = is_new ? nullptr : &groups[at->second];
      if (group != nullptr && group->mailbox != name) group->others.push_back(name);
      if (group != nullptr) continue;
    }
    groups.push_back({.mailbox = name, .others = {}});
  }
  return groups;
}

} // namespace mailmoor::cli
