#include "cli/login_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FleetStatus fleet() {
  FleetStatus made;
  const auto add = [&made](std::string name, std::string app, std::string user, MailboxState state) {
    MailboxStatus mailbox;
    mailbox.name = std::move(name);
    mailbox.app = std::move(app);
    mailbox.login_user = std::move(user);
    mailbox.state = state;
    made.mailboxes.push_back(std::move(mailbox));
  };
  add("alice", "contoso", "alice", MailboxState::kNeedsLogin);
  add("bob", "contoso", "bob", MailboxState::kIdle);
  add("info", "contoso", "alice", MailboxState::kNeedsLogin);
  add("lab", "lab", "alice", MailboxState::kNeedsLogin); // another app: another token
  add("old", "", "", MailboxState::kNeedsLogin);         // two with passwords share nothing
  add("older", "", "", MailboxState::kNeedsLogin);
  return made;
}

std::vector<std::string> names(const std::vector<LoginGroup>& groups) {
  std::vector<std::string> out;
  for (const LoginGroup& group : groups)
    out.push_back(group.mailbox);
  return out;
}

TEST(LoginPlan, Pending_AreThoseThatNeedALogin) {
  EXPECT_THAT(pending_mailboxes(fleet()), ElementsAre("alice", "info", "lab", "old", "older"));
}

TEST(LoginPlan, SharedToken_IsOneSignIn) {
  const auto groups = group_by_token(fleet(), pending_mailboxes(fleet()));
  EXPECT_THAT(names(groups), ElementsAre("alice", "lab", "old", "older"));
  EXPECT_THAT(groups[0].others, ElementsAre("info"));
  EXPECT_THAT(groups[1].others, IsEmpty());
}

TEST(LoginPlan, NamedTwice_IsOnceAndKeepsTheOrder) {
  const auto groups = group_by_token(fleet(), {"info", "bob", "info", "nobody", "alice"});
  EXPECT_THAT(names(groups), ElementsAre("info", "bob", "nobody"));
  EXPECT_THAT(groups[0].others, ElementsAre("alice"));
}

} // namespace
} // namespace mailmoor::cli
