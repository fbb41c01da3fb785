#include "runtime/child_process.h"

#include "runtime/loop_fixture.h"
#include "runtime/run_task.h"
#include "util/concat.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <optional>
#include <unistd.h>

namespace mailmoor::runtime {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

class ChildTest : public LoopTest {
 protected:
  ChildTest() { std::signal(SIGPIPE, SIG_IGN); }
  // What `script` is to /bin/sh.
  [[nodiscard]] ChildCommand shell(std::string script) {
    ChildCommand command;
    command.argv = {"/bin/sh", "-c", std::move(script)};
    command.environment = {"PATH=/usr/bin:/bin"};
    command.limit = 1min;
    command.on_line = [this](std::string_view line) { lines_.emplace_back(line); };
    return command;
  }
  void start(ChildCommand command) {
    runner_.start(run_child(loop_, std::move(command)), [this](Result<ChildEnd> end) { end_.emplace(std::move(end)); });
  }
  [[nodiscard]] bool until(const std::function<bool()>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!is_done() && std::chrono::steady_clock::now() < deadline) {
      loop_.run_ready();
      ::usleep(1000);
    }
    return is_done();
  }
  [[nodiscard]] Result<ChildEnd> finish(ChildCommand command) {
    start(std::move(command));
    EXPECT_TRUE(until([this] { return end_.has_value(); }));
    return *end_;
  }
  ~ChildTest() override {
    runner_.cancel();
    loop_.run_ready();
  }

  std::vector<std::string> lines_;
  std::optional<Result<ChildEnd>> end_;
  TaskRunner<Result<ChildEnd>> runner_;
};

TEST_F(ChildTest, ExitStatusAndOutput_AreTold) {
  const auto end = finish(shell("echo one; echo two >&2; printf three; exit 7"));
  ASSERT_TRUE(end);
  EXPECT_EQ(7, end->exit_status);
  EXPECT_FALSE(end->is_good());
  EXPECT_EQ("exit status 7", describe(*end));
  EXPECT_THAT(lines_, ElementsAre("one", "two", "three"));
}

TEST_F(ChildTest, Success_IsGood) {
  const auto end = finish(shell("exit 0"));
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->is_good());
}

TEST_F(ChildTest, EndedBySignal_IsTold) {
  const auto end = finish(shell("kill -9 $$"));
  ASSERT_TRUE(end);
  EXPECT_EQ(SIGKILL, end->signal);
  EXPECT_THAT(describe(*end), HasSubstr("signal 9"));
}

TEST_F(ChildTest, NoShellComesBetween) {
  ChildCommand command = shell("");
  command.argv = {"/bin/echo", "$PATH; `id` 'x' \"y\""};
  ASSERT_TRUE(finish(std::move(command)));
  EXPECT_THAT(lines_, ElementsAre("$PATH; `id` 'x' \"y\""));
}

TEST_F(ChildTest, Environment_IsWhatIsGivenAndNothingElse) {
  ASSERT_EQ(0, ::setenv("MAILMOOR_TEST_SECRET", "hunter2", 1));
  ChildCommand command = shell("");
  command.argv = {"/usr/bin/env"};
  command.environment = {"PATH=/usr/bin", "MAILMOOR_MAILBOX=alice"};
  ASSERT_TRUE(finish(std::move(command)));
  EXPECT_THAT(lines_, ElementsAre("PATH=/usr/bin", "MAILMOOR_MAILBOX=alice"));
  ::unsetenv("MAILMOOR_TEST_SECRET");
}

TEST_F(ChildTest, Input_ArrivesWholeAndEnds) {
  ChildCommand command = shell("wc -c");
  command.input = std::string(kMaxChildInput, 'x');
  ASSERT_TRUE(finish(std::move(command)));
  EXPECT_THAT(lines_, ElementsAre(std::to_string(kMaxChildInput)));
}

TEST_F(ChildTest, InputThatNobodyReads_IsNoFault) {
  ChildCommand command = shell("exec <&-; echo done");
  command.input = std::string(kMaxChildInput, 'x');
  const auto end = finish(std::move(command));
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->is_good());
}

TEST_F(ChildTest, Descriptors_AreThreeAndNoneOfOurs) {
  const int leaked = ::open("/dev/null", O_RDONLY); // as a careless library would
  ASSERT_GE(leaked, 3);
  ASSERT_TRUE(finish(shell("ls /proc/$$/fd")));
  ::close(leaked);
  EXPECT_THAT(lines_, ElementsAre("0", "1", "2"));
}

TEST_F(ChildTest, ProcessGroupAndSession_AreItsOwn) {
  ASSERT_TRUE(finish(shell("echo $$; cut -d' ' -f5,6 /proc/$$/stat")));
  ASSERT_EQ(2U, lines_.size());
  EXPECT_EQ(concat(lines_[0], ' ', lines_[0]), lines_[1]);
}

TEST_F(ChildTest, WorkingDirectory_IsTheRoot) {
  ASSERT_TRUE(finish(shell("pwd")));
  EXPECT_THAT(lines_, ElementsAre("/"));
}

TEST_F(ChildTest, TimeIsUp_EndsItWithSigterm) {
  start(shell("trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.05; done"));
  ASSERT_TRUE(until([this] { return !lines_.empty(); }));
  advance(1min);
  ASSERT_TRUE(until([this] { return end_.has_value(); }));
  ASSERT_TRUE(*end_);
  EXPECT_TRUE((*end_)->ran_too_long);
  EXPECT_EQ(3, (*end_)->exit_status);
  EXPECT_THAT(lines_, IsSupersetOf({"ready", "asked"}));
}

TEST_F(ChildTest, SigtermIgnored_IsKilledWithItsChildren) {
  start(shell("trap '' TERM; sleep 1000 & echo $!; wait; while :; do sleep 0.05; done"));
  ASSERT_TRUE(until([this] { return !lines_.empty(); }));
  const int grandchild = std::stoi(lines_.front());
  advance(1min);
  EXPECT_FALSE(end_);
  EXPECT_EQ(0, ::kill(grandchild, 0));
  advance(5s);
  ASSERT_TRUE(until([this] { return end_.has_value(); }));
  ASSERT_TRUE(*end_);
  EXPECT_EQ(SIGKILL, (*end_)->signal);
  EXPECT_THAT(describe(**end_), HasSubstr("longer than it may"));
  // Gone, or a zombie until whoever adopted it looks.
  EXPECT_TRUE(until([grandchild] {
    std::string state = "Z";
    if (FILE* const file = std::fopen(concat("/proc/", grandchild, "/stat").c_str(), "r")) {
      char text[512] = {};
      static_cast<void>(std::fread(text, 1, sizeof text - 1, file));
      std::fclose(file);
      state = std::string(text).substr(std::string(text).rfind(')') + 2, 1);
    }
    return state == "Z";
  }));
}

TEST_F(ChildTest, Cancelled_KillsIt) {
  start(shell("echo $$; while :; do sleep 0.05; done"));
  ASSERT_TRUE(until([this] { return !lines_.empty(); }));
  const int pid = std::stoi(lines_.front());
  runner_.cancel();
  EXPECT_TRUE(until([pid] { return ::kill(pid, 0) != 0; })); // reaped, too
}

TEST_F(ChildTest, OutputWithoutEnd_IsCut) {
  const auto end =
      finish(shell("i=0; while [ $i -lt 300 ]; do echo line; i=$((i+1)); done; head -c 5000 /dev/zero | tr '\\0' x"));
  ASSERT_TRUE(end);
  EXPECT_EQ(kMaxChildLines, lines_.size());
  EXPECT_GT(end->dropped, 4000U);
}

TEST_F(ChildTest, LongLine_IsCutAtItsLimit) {
  const auto end = finish(shell("head -c 5000 /dev/zero | tr '\\0' x; echo; echo next"));
  ASSERT_TRUE(end);
  ASSERT_EQ(2U, lines_.size());
  EXPECT_EQ(kMaxChildLine, lines_[0].size());
  EXPECT_EQ("next", lines_[1]);
  EXPECT_EQ(5000 - kMaxChildLine, end->dropped);
}

TEST_F(ChildTest, ChildThatLeavesOneBehind_IsNotWaitedFor) {
  const auto end = finish(shell("sleep 1000 & echo $!; exit 0"));
  ASSERT_TRUE(end);
  ASSERT_EQ(1U, lines_.size());
  EXPECT_TRUE(end->is_good());
  ::kill(std::stoi(lines_[0]), SIGKILL);
}

TEST_F(ChildTest, ProgramThatIsNotThere_SaysSo) {
  ChildCommand command = shell("");
  command.argv = {"/nonexistent/page-admin"};
  const auto end = finish(std::move(command));
  ASSERT_FALSE(end);
  EXPECT_EQ("not_started", end.error().code);
  EXPECT_THAT(end.error().what, HasSubstr("/nonexistent/page-admin"));
  EXPECT_THAT(end.error().what, HasSubstr("no such file"));
}

} // namespace
} // namespace mailmoor::runtime
