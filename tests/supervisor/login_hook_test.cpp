#include "supervisor/login_hook.h"

#include "support/world.h"

#include <fstream>
#include <optional>
#include <sstream>

namespace mailmoor::supervisor {
namespace {

using enum HookSubject::State;

class LoginHookTest : public ::testing::Test {
 protected:
  LoginHookTest() { restart(); }
  void restart() {
    hook.reset();
    runner.reset();
    world.run_ready();
    runner.emplace(world.services);
    hook.emplace(world.services, *runner);
  }
  // Shows it the mailbox alice, as the fleet does every few seconds, until nothing more comes of it.
  void show(HookSubject::State state, std::string code = {}, std::string key = "mailbox alice") {
    for (int i = 0; i < 3; ++i) {
      HookSubject subject;
      subject.key = key;
      subject.state = state;
      subject.code = code;
      subject.facts = {{"mailbox", "alice"}, {"error", code}};
      std::vector<HookSubject> subjects;
      subjects.push_back(std::move(subject));
      hook->look(argv, std::move(subjects));
      world.run_ready();
      settle();
    }
  }
  // Lets the programs end that were started.
  void settle() {
    EXPECT_TRUE(world.until([this] { return runner->idle(); }));
    world.run_ready();
  }
  [[nodiscard]] std::vector<std::string> calls() {
    std::ifstream in(world.directory / "calls");
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);)
      out.push_back(line);
    return out;
  }
  testing::World world;
  std::vector<std::string> argv = {"/bin/sh", "-c",
                                   concat("echo \"$MAILMOOR_MAILBOX $MAILMOOR_ERROR\" >>", world.directory / "calls")};
  std::optional<HookRunner> runner;
  std::optional<LoginHook> hook;
};

TEST_F(LoginHookTest, NeedThatLasts_CallsOnce) {
  show(kNeedsSomeone, "login_needed");
  show(kUnknown);
  show(kNeedsSomeone, "login_needed");
  EXPECT_EQ(std::vector<std::string>{"alice login_needed"}, calls());
}

TEST_F(LoginHookTest, Restart_CallsNotAgain) {
  show(kNeedsSomeone, "login_needed");
  restart();
  show(kUnknown); // connecting
  show(kNeedsSomeone, "login_needed");
  EXPECT_EQ(1U, calls().size());
}

TEST_F(LoginHookTest, AllWasWellInBetween_CallsAgain) {
  show(kNeedsSomeone, "login_needed");
  show(kFine);
  show(kNeedsSomeone, "login_needed");
  EXPECT_EQ(2U, calls().size());
}

TEST_F(LoginHookTest, AllWasWellInAnotherRun_CallsAgain) {
  show(kNeedsSomeone, "login_needed");
  restart();
  show(kFine);
  restart();
  show(kNeedsSomeone, "login_needed");
  EXPECT_EQ(2U, calls().size());
}

TEST_F(LoginHookTest, AnotherReason_CallsAgain) {
  show(kNeedsSomeone, "login_needed");
  show(kNeedsSomeone, "account_blocked");
  EXPECT_EQ((std::vector<std::string>{"alice login_needed", "alice account_blocked"}), calls());
}

TEST_F(LoginHookTest, NoHookConfigured_IsCalledWhenThereIsOne) {
  const std::vector<std::string> later = std::exchange(argv, {});
  show(kNeedsSomeone, "login_needed");
  EXPECT_TRUE(calls().empty());
  argv = later;
  show(kNeedsSomeone, "login_needed");
  EXPECT_EQ(1U, calls().size());
}

TEST_F(LoginHookTest, HookThatFails_IsNotCalledAgainForTheSame) {
  argv = {"/bin/sh", "-c", concat("echo tried >>", world.directory / "calls", "; exit 1")};
  show(kNeedsSomeone, "login_needed");
  show(kNeedsSomeone, "login_needed");
  EXPECT_EQ(1U, calls().size());
  ASSERT_EQ(1U, world.logged.size());
}

TEST_F(LoginHookTest, MailboxAndAppOfOneName_AreTwo) {
  show(kNeedsSomeone, "login_needed", "mailbox contoso");
  show(kNeedsSomeone, "login_needed", "app contoso");
  EXPECT_EQ(2U, calls().size());
}

} // namespace
} // namespace mailmoor::supervisor
