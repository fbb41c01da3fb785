#include "runtime/fd_watcher.h"

#include "runtime/loop_fixture.h"
#include "runtime/task_set.h"
#include "util/unique_fd.h"

#include <array>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <uv.h>

namespace mailmoor::runtime {
namespace {

class FdWatcherTest : public LoopTest {
 protected:
  FdWatcherTest() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    ours_ = UniqueFd(pair[0]);
    theirs_ = UniqueFd(pair[1]);
  }
  void send(const std::string& bytes) {
    ASSERT_EQ(::write(theirs_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  // Fills the way out, so that writing has to wait.
  void fill() {
    const std::string chunk(4096, 'x');
    while (::send(ours_.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL) > 0) {
    }
  }
  void empty() {
    std::array<char, 65536> chunk{};
    while (::read(theirs_.get(), chunk.data(), chunk.size()) > 0) {
    }
  }
  // Whether epoll has something to report that nobody takes: the loop would spin.
  [[nodiscard]] bool would_spin() {
    loop_.run_ready();
    loop_.run_ready();
    pollfd state{uv_backend_fd(loop_.uv()), POLLIN, 0};
    return ::poll(&state, 1, 0) != 0;
  }

  UniqueFd ours_;
  UniqueFd theirs_;
  std::string seen_;
  TaskSet tasks_{loop_};
};

Task<void> read_once(FdWatcher& watcher, int fd, std::string& seen) {
  co_await watcher.readable();
  std::array<char, 100> bytes{};
  const ssize_t count = ::read(fd, bytes.data(), bytes.size());
  seen += count < 0 ? "error" : count == 0 ? "end" : std::string(bytes.data(), static_cast<std::size_t>(count));
}

Task<void> wait_readable(FdWatcher& watcher, std::string& seen, char mark) {
  co_await watcher.readable();
  seen += mark;
}

Task<void> wait_writable(FdWatcher& watcher, std::string& seen, char mark) {
  co_await watcher.writable();
  seen += mark;
}

TEST_F(FdWatcherTest, what_nobody_waits_for_any_more_does_not_make_the_loop_spin) {
  FdWatcher watcher(loop_, ours_.get());
  for (int round = 0; round < 3; ++round) {
    tasks_.spawn(wait_readable(watcher, seen_, 'r'));
    tasks_.spawn(wait_writable(watcher, seen_, 'w'));
    send("left unread");
    EXPECT_FALSE(would_spin());
    EXPECT_EQ(seen_.size(), static_cast<std::size_t>(2 * round + 2)) << "and is told to whoever waits next";
  }
}

TEST_F(FdWatcherTest, wakes_the_reader_when_bytes_come) {
  FdWatcher watcher(loop_, ours_.get());
  tasks_.spawn(read_once(watcher, ours_.get(), seen_));
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
  send("hello");
  loop_.run_ready();
  EXPECT_EQ(seen_, "hello");
  EXPECT_FALSE(would_spin());
}

TEST_F(FdWatcherTest, wakes_the_reader_at_the_end_of_the_stream) {
  FdWatcher watcher(loop_, ours_.get());
  tasks_.spawn(read_once(watcher, ours_.get(), seen_));
  theirs_.reset();
  loop_.run_ready();
  EXPECT_EQ(seen_, "end");
}

TEST_F(FdWatcherTest, wakes_the_writer_when_there_is_room) {
  FdWatcher watcher(loop_, ours_.get());
  fill();
  tasks_.spawn(wait_writable(watcher, seen_, 'w'));
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
  empty();
  loop_.run_ready();
  EXPECT_EQ(seen_, "w");
}

TEST_F(FdWatcherTest, each_direction_wakes_its_own) {
  FdWatcher watcher(loop_, ours_.get());
  fill();
  tasks_.spawn(wait_writable(watcher, seen_, 'w'));
  tasks_.spawn(wait_readable(watcher, seen_, 'r'));
  send("x");
  loop_.run_ready();
  EXPECT_EQ(seen_, "r");
  empty();
  loop_.run_ready();
  EXPECT_EQ(seen_, "rw");
}

TEST_F(FdWatcherTest, wakes_all_who_wait_in_order) {
  FdWatcher watcher(loop_, ours_.get());
  for (const char mark : {'1', '2', '3'})
    tasks_.spawn(wait_readable(watcher, seen_, mark));
  send("x");
  loop_.run_ready();
  EXPECT_EQ(seen_, "123");
}

TEST_F(FdWatcherTest, does_not_spin_on_what_nobody_awaits) {
  FdWatcher watcher(loop_, ours_.get());
  tasks_.spawn(wait_readable(watcher, seen_, 'r')); // takes nothing out
  send("x");
  EXPECT_FALSE(would_spin());
  EXPECT_EQ(seen_, "r");
  theirs_.reset();
  EXPECT_FALSE(would_spin());
}

TEST_F(FdWatcherTest, does_not_spin_when_the_peer_hangs_up) {
  FdWatcher watcher(loop_, ours_.get());
  fill();
  tasks_.spawn(wait_writable(watcher, seen_, 'w'));
  loop_.run_ready();
  theirs_.reset();
  loop_.run_ready();
  EXPECT_EQ(seen_, "w") << "writing will tell the error";
  EXPECT_FALSE(would_spin());
}

TEST_F(FdWatcherTest, a_half_closed_peer_does_not_wake_the_writer) {
  FdWatcher watcher(loop_, ours_.get());
  fill();
  tasks_.spawn(wait_writable(watcher, seen_, 'w'));
  ASSERT_EQ(::shutdown(theirs_.get(), SHUT_WR), 0);
  EXPECT_FALSE(would_spin());
  EXPECT_EQ(seen_, "");
  tasks_.spawn(wait_readable(watcher, seen_, 'r'));
  EXPECT_FALSE(would_spin());
  EXPECT_EQ(seen_, "r");
  tasks_.cancel_all();
}

Task<void> cancel_when_readable(FdWatcher& watcher, TaskSet& victims) {
  co_await watcher.readable();
  victims.cancel_all();
}

TEST_F(FdWatcherTest, one_awaiter_may_cancel_the_next) {
  FdWatcher watcher(loop_, ours_.get());
  TaskSet victims(loop_);
  tasks_.spawn(cancel_when_readable(watcher, victims));
  victims.spawn(wait_readable(watcher, seen_, 'v'));
  victims.spawn(wait_writable(watcher, seen_, 'v'));
  send("x");
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
}

TEST_F(FdWatcherTest, cancelling_one_awaiter_leaves_the_others) {
  FdWatcher watcher(loop_, ours_.get());
  TaskSet victims(loop_);
  victims.spawn(wait_readable(watcher, seen_, 'v'));
  tasks_.spawn(wait_readable(watcher, seen_, 'r'));
  loop_.run_ready();
  victims.cancel_all();
  send("x");
  loop_.run_ready();
  EXPECT_EQ(seen_, "r");
}

Task<void> destroy_stream_when_readable(std::unique_ptr<FdWatcher>& watcher, UniqueFd& fd) {
  co_await watcher->readable();
  watcher.reset();
  fd.reset();
}

TEST_F(FdWatcherTest, a_descriptor_number_may_be_used_again_at_once) {
  auto watcher = std::make_unique<FdWatcher>(loop_, ours_.get());
  tasks_.spawn(destroy_stream_when_readable(watcher, ours_));
  send("x");
  const int number = ours_.get();
  loop_.run_ready();
  ASSERT_FALSE(ours_.is_open());
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
  ours_ = UniqueFd(pair[0]);
  theirs_ = UniqueFd(pair[1]);
  ASSERT_EQ(ours_.get(), number);
  watcher = std::make_unique<FdWatcher>(loop_, ours_.get());
  tasks_.spawn(read_once(*watcher, ours_.get(), seen_));
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
  send("again");
  loop_.run_ready();
  EXPECT_EQ(seen_, "again");
  watcher.reset();
}

// A closed descriptor whose description lives on in a duplicate must leave epoll: its events would never end.
TEST_F(FdWatcherTest, a_duplicate_of_a_watched_descriptor_causes_no_junk_events) {
  auto watcher = std::make_unique<FdWatcher>(loop_, ours_.get());
  tasks_.spawn(wait_readable(*watcher, seen_, 'r'));
  loop_.run_ready();
  const UniqueFd duplicate(::dup(ours_.get()));
  tasks_.cancel_all();
  watcher.reset();
  ours_.reset();
  send("x");
  EXPECT_FALSE(would_spin());
}

TEST_F(FdWatcherTest, a_descriptor_that_cannot_be_polled_is_refused) {
  const UniqueFd file(::memfd_create("file", MFD_CLOEXEC));
  EXPECT_THROW(FdWatcher(loop_, file.get()), std::system_error);
}

class WatchTest : public FdWatcherTest {
 protected:
  std::unique_ptr<FdWatcher> watcher_ = std::make_unique<FdWatcher>(loop_, ours_.get());
};

TEST_F(WatchTest, calls_back_as_long_as_the_direction_is_ready) {
  int calls = 0;
  watcher_->watch(/*read=*/true, /*write=*/false, [&](bool readable, bool writable) {
    EXPECT_TRUE(readable);
    EXPECT_FALSE(writable);
    char byte = 0;
    EXPECT_EQ(::read(ours_.get(), &byte, 1), 1);
    seen_ += byte;
    ++calls;
  });
  send("abc");
  loop_.run_ready();
  EXPECT_EQ(seen_, "abc");
  EXPECT_EQ(calls, 3);
  EXPECT_FALSE(would_spin());
}

TEST_F(WatchTest, reports_both_directions) {
  bool both = false;
  send("x");
  watcher_->watch(/*read=*/true, /*write=*/true, [&](bool readable, bool writable) {
    both = readable && writable;
    watcher_->watch(/*read=*/false, /*write=*/false, {});
  });
  loop_.run_ready();
  EXPECT_TRUE(both);
  EXPECT_FALSE(would_spin());
}

TEST_F(WatchTest, the_callback_may_destroy_the_watcher) {
  int calls = 0;
  watcher_->watch(/*read=*/true, /*write=*/false, [&, text = std::string(100, 'x')](bool, bool) {
    watcher_.reset();
    ours_.reset();
    calls += text.size() == 100 ? 1 : 100;
  });
  send("x");
  loop_.run_ready();
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(watcher_);
}

TEST_F(WatchTest, the_callback_may_change_what_is_watched) {
  watcher_->watch(/*read=*/false, /*write=*/true, [this](bool, bool writable) {
    seen_ += writable ? 'w' : '?';
    watcher_->watch(/*read=*/true, /*write=*/false, [this](bool readable, bool) {
      seen_ += readable ? 'r' : '?';
      watcher_->watch(/*read=*/false, /*write=*/false, {});
    });
  });
  loop_.run_ready();
  EXPECT_EQ(seen_, "w");
  send("x");
  loop_.run_ready();
  EXPECT_EQ(seen_, "wr");
  EXPECT_FALSE(would_spin());
}

TEST_F(WatchTest, the_peers_end_is_readable) {
  watcher_->watch(/*read=*/true, /*write=*/false, [this](bool readable, bool) {
    EXPECT_TRUE(readable);
    char byte = 0;
    EXPECT_EQ(::read(ours_.get(), &byte, 1), 0);
    seen_ += 'e';
    watcher_.reset();
  });
  theirs_.reset();
  loop_.run_ready();
  EXPECT_EQ(seen_, "e");
}

TEST_F(WatchTest, destroyed_between_event_and_call_back) {
  watcher_->watch(/*read=*/true, /*write=*/false, [this](bool, bool) { seen_ += '!'; });
  loop_.run_ready();
  // Runs in the turn of the event: scheduled before, so it comes first.
  Wakeup killer([this] { watcher_.reset(); });
  loop_.schedule(killer);
  send("x");
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
}

} // namespace
} // namespace mailmoor::runtime
