#include "runtime/signal_watcher.h"

#include "runtime/loop_fixture.h"

#include <csignal>
#include <memory>
#include <string>
#include <system_error>

namespace mailmoor::runtime {
namespace {

class SignalWatcherTest : public LoopTest {
 protected:
  std::string seen_;
};

TEST_F(SignalWatcherTest, calls_on_the_loop_not_in_the_handler) {
  const SignalWatcher watcher(loop_, SIGUSR1, [this] { seen_ += '1'; });
  std::raise(SIGUSR1);
  EXPECT_EQ(seen_, "");
  loop_.run_ready();
  EXPECT_EQ(seen_, "1");
  std::raise(SIGUSR1);
  loop_.run_ready();
  EXPECT_EQ(seen_, "11");
}

TEST_F(SignalWatcherTest, tells_signals_apart) {
  const SignalWatcher one(loop_, SIGUSR1, [this] { seen_ += '1'; });
  const SignalWatcher two(loop_, SIGUSR2, [this] { seen_ += '2'; });
  std::raise(SIGUSR2);
  loop_.run_ready();
  EXPECT_EQ(seen_, "2");
}

TEST_F(SignalWatcherTest, destroyed_with_a_signal_on_the_way) {
  auto watcher = std::make_unique<SignalWatcher>(loop_, SIGUSR1, [this] { seen_ += '1'; });
  const SignalWatcher other(loop_, SIGUSR1, [this] { seen_ += 'o'; });
  std::raise(SIGUSR1);
  watcher.reset();
  loop_.run_ready();
  EXPECT_EQ(seen_, "o");
}

TEST_F(SignalWatcherTest, may_be_destroyed_by_its_function) {
  std::unique_ptr<SignalWatcher> watcher;
  watcher = std::make_unique<SignalWatcher>(loop_, SIGUSR1, [&, text = std::string(100, 'x')] {
    watcher.reset();
    seen_ += text.front();
  });
  std::raise(SIGUSR1);
  loop_.run_ready();
  EXPECT_EQ(seen_, "x");
}

TEST_F(SignalWatcherTest, a_signal_that_cannot_be_caught_is_refused) {
  EXPECT_THROW(SignalWatcher(loop_, SIGKILL, [] {}), std::system_error);
}

} // namespace
} // namespace mailmoor::runtime
