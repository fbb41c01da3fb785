// Asking for a password on a real terminal: a pseudo-terminal whose other end is the test.
#include "cli/password_input.h"

#include "util/unique_fd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace mailmoor::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class Terminal : public testing::Test {
 protected:
  // A child on its own terminal asks for a password and prints "got:" and its length, then how the echo is.
  void ask() {
    int terminal = -1;
    child_ = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child_ == 0) {
      std::signal(SIGINT, SIG_DFL); // a shell's background job ignores it
      const auto password = ask_password_blocking("Password: ");
      termios after{};
      ::tcgetattr(STDIN_FILENO, &after);
      const std::string text = password ? "got:" + std::to_string(password->size()) : "failed:" + password.error().code;
      const std::string echo = (after.c_lflag & ECHO) != 0 ? " echo:on." : " echo:off.";
      ::_exit(::write(STDOUT_FILENO, (text + echo).data(), text.size() + echo.size()) > 0 ? 0 : 1);
    }
    terminal_ = UniqueFd(terminal);
  }

  // What the terminal shows up to and with `text`, or what came within 10 seconds.
  std::string read_until(std::string_view text) {
    char buffer[256];
    pollfd fd{terminal_.get(), POLLIN, 0};
    while (shown_.find(text) == std::string::npos && ::poll(&fd, 1, 10'000) == 1) {
      const ssize_t size = ::read(terminal_.get(), buffer, sizeof buffer);
      if (size <= 0) break;
      shown_.append(buffer, static_cast<std::size_t>(size));
    }
    return shown_;
  }
  void type(std::string_view text) {
    ASSERT_EQ(::write(terminal_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] bool echoes() const {
    termios state{};
    ::tcgetattr(terminal_.get(), &state);
    return (state.c_lflag & ECHO) != 0;
  }
  int wait() {
    int state = 0;
    ::waitpid(child_, &state, 0);
    return state;
  }

  pid_t child_ = -1;
  UniqueFd terminal_;
  std::string shown_;
};

TEST_F(Terminal, TypedPassword_IsReadAndNotShown) {
  ask();
  ASSERT_THAT(read_until("Password: "), HasSubstr("Password: "));
  EXPECT_FALSE(echoes());
  type("hunter2\n");
  EXPECT_THAT(read_until("echo:on."), HasSubstr("got:7 echo:on."));
  EXPECT_THAT(shown_, Not(HasSubstr("hunter2")));
  EXPECT_EQ(wait(), 0);
}

TEST_F(Terminal, Interrupt_RestoresTheEchoAndThenEndsTheProgram) {
  ask();
  ASSERT_THAT(read_until("Password: "), HasSubstr("Password: "));
  type("hunt\x03"); // Ctrl-C
  const int state = wait();
  EXPECT_TRUE(WIFSIGNALED(state) && WTERMSIG(state) == SIGINT) << state;
  EXPECT_TRUE(echoes());
}

TEST_F(Terminal, Termination_RestoresTheEchoToo) {
  ask();
  ASSERT_THAT(read_until("Password: "), HasSubstr("Password: "));
  ::kill(child_, SIGTERM);
  const int state = wait();
  EXPECT_TRUE(WIFSIGNALED(state) && WTERMSIG(state) == SIGTERM) << state;
  EXPECT_TRUE(echoes());
}

TEST_F(Terminal, EndOfInput_IsNoPassword) {
  ask();
  ASSERT_THAT(read_until("Password: "), HasSubstr("Password: "));
  type("\x04"); // Ctrl-D
  EXPECT_THAT(read_until("echo:on."), HasSubstr("failed:password_unreadable echo:on."));
  EXPECT_EQ(wait(), 0);
}

TEST(NoTerminal, Asking_IsAnErrorThatNamesStdin) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid(); // without a controlling terminal
    const auto password = ask_password_blocking("Password: ");
    ::_exit(!password && password.error().remedy.find("--stdin") != std::string::npos ? 0 : 1);
  }
  int state = -1;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  EXPECT_EQ(state, 0);
}

} // namespace
} // namespace mailmoor::cli
