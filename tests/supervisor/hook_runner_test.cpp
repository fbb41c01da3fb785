#include "supervisor/hook_runner.h"

#include "support/world.h"

#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace mailmoor::supervisor {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HookRunnerTest : public ::testing::Test {
 protected:
  [[nodiscard]] HookCall call(std::string subject, std::string script) {
    HookCall made;
    made.hook = "login_needed";
    made.subject = std::move(subject);
    made.argv = {"/bin/sh", "-c", std::move(script)};
    made.facts = {{"mailbox", "alice"}, {"reason", "a \"quoted\" line\n"}};
    made.on_end = [this] { ++ended; };
    return made;
  }
  [[nodiscard]] std::string file(const std::string& name) {
    std::ifstream in(world.directory / name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  testing::World world;
  int ended = 0;
  HookRunner runner{world.services};
};

TEST_F(HookRunnerTest, Facts_ComeInTheEnvironmentAndAsJson) {
  ASSERT_TRUE(
      runner.call(call("mailbox alice", concat("cat >", world.directory / "in", "; env >", world.directory / "env"))));
  ASSERT_TRUE(world.until([this] { return ended == 1; }));
  const auto json = nlohmann::json::parse(file("in"));
  EXPECT_EQ("login_needed", json["hook"]);
  EXPECT_EQ("alice", json["mailbox"]);
  EXPECT_EQ("a \"quoted\" line\n", json["reason"]);
  EXPECT_THAT(file("env"), HasSubstr("MAILMOOR_MAILBOX=alice\n"));
  EXPECT_THAT(file("env"), HasSubstr("MAILMOOR_HOOK=login_needed\n"));
}

TEST_F(HookRunnerTest, Environment_HasNothingElseOfOurs) {
  ASSERT_EQ(0, ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1));
  ASSERT_EQ(0, ::setenv("IMAP_PASSWORD", "hunter2", 1));
  const std::vector<std::string> environment = hook_environment(call("x", ""));
  ::unsetenv("CREDENTIALS_DIRECTORY");
  ::unsetenv("IMAP_PASSWORD");
  EXPECT_THAT(environment, Not(Contains(StartsWith("CREDENTIALS_DIRECTORY"))));
  EXPECT_THAT(environment, Not(Contains(HasSubstr("hunter2"))));
  EXPECT_THAT(environment, Contains(StartsWith("PATH=/")));
}

TEST_F(HookRunnerTest, Failure_IsToldOnceUntilItWorksAgain) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(runner.call(call("mailbox alice", "exit 4")));
    ASSERT_TRUE(world.until([this, i] { return ended == i + 1; }));
  }
  ASSERT_EQ(1U, world.logged.size());
  EXPECT_EQ("login_needed_hook_failed", world.logged[0].code);
  EXPECT_THAT(world.logged[0].message, HasSubstr("exit status 4"));
  ASSERT_TRUE(runner.call(call("mailbox alice", "exit 0")));
  ASSERT_TRUE(world.until([this] { return ended == 4; }));
  ASSERT_EQ(2U, world.logged.size());
  EXPECT_THAT(world.logged[1].message, HasSubstr("over after"));
}

TEST_F(HookRunnerTest, ProgramThatIsGone_IsAFailureToo) {
  HookCall gone = call("mailbox alice", "");
  gone.argv = {"/nonexistent"};
  ASSERT_TRUE(runner.call(std::move(gone)));
  ASSERT_TRUE(world.until([this] { return ended == 1; }));
  ASSERT_EQ(1U, world.logged.size());
  EXPECT_THAT(world.logged[0].message, HasSubstr("/nonexistent"));
}

TEST_F(HookRunnerTest, TwoRunAtOnceAndNoMore) {
  const std::string gate = world.directory / "gate";
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(runner.call(call(concat("mailbox ", i), concat("echo x >>", world.directory / "started",
                                                               "; while [ ! -e ", gate, " ]; do sleep 0.01; done"))));
  ASSERT_TRUE(world.until([this] { return file("started") == "x\nx\n"; }));
  EXPECT_EQ(3U, runner.waiting());
  EXPECT_EQ(0, ended);
  std::ofstream(gate) << "open";
  ASSERT_TRUE(world.until([this] { return ended == 5; }));
  EXPECT_EQ("x\nx\nx\nx\nx\n", file("started"));
}

TEST_F(HookRunnerTest, WaitingCallsAboutTheSame_AreOne) {
  const std::string gate = world.directory / "gate";
  const std::string waits = concat("while [ ! -e ", gate, " ]; do sleep 0.01; done");
  ASSERT_TRUE(runner.call(call("a", waits)));
  ASSERT_TRUE(runner.call(call("b", waits)));
  ASSERT_TRUE(runner.call(call("alice", concat("echo old >>", world.directory / "out"))));
  ASSERT_TRUE(runner.call(call("alice", concat("echo new >>", world.directory / "out"))));
  EXPECT_EQ(1U, runner.waiting());
  std::ofstream(gate) << "open";
  ASSERT_TRUE(world.until([this] { return ended == 3; }));
  EXPECT_EQ("new\n", file("out"));
}

TEST_F(HookRunnerTest, Queue_HasAnEnd) {
  const std::string gate = world.directory / "gate";
  const std::string waits = concat("while [ ! -e ", gate, " ]; do sleep 0.01; done");
  int taken = 0;
  while (runner.call(call(concat("mailbox ", taken), waits)))
    ASSERT_LT(++taken, 1000);
  EXPECT_EQ(64U, runner.waiting());
}

} // namespace
} // namespace mailmoor::supervisor
