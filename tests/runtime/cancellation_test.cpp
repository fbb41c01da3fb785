// Cancelling is destroying: in each kind of wait, at each moment, a chain of tasks releases every local exactly once
// and is never resumed afterwards.
#include "runtime/blocking_pool.h"
#include "runtime/fd_watcher.h"
#include "runtime/loop_fixture.h"
#include "runtime/run_task.h"
#include "runtime/wait.h"
#include "util/unique_fd.h"

#include <array>
#include <future>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace mailmoor::runtime {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

[[nodiscard]] std::array<UniqueFd, 2> socket_pair() {
  std::array<int, 2> pair{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
  return {UniqueFd(pair[0]), UniqueFd(pair[1])};
}

// What there is to wait for.
class World {
 public:
  explicit World(Loop& its_loop) : loop(its_loop) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() { let_pool_go(); }

  // Keeps what is queued from now on in the queue.
  void hold_pool() {
    held_ = true;
    pool.run_detached([open = gate_.get_future().share()] { open.wait(); });
  }
  void let_pool_go() {
    if (std::exchange(held_, false)) gate_.set_value();
  }
  void wait_for_pool() {
    std::promise<void> done;
    pool.run_detached([&done] { done.set_value(); });
    done.get_future().wait();
  }

  Loop& loop;
  Event event{loop};
  Semaphore semaphore{loop, 0};
  std::array<UniqueFd, 2> sockets = socket_pair();
  FdWatcher watcher{loop, sockets[0].get()};
  BlockingPool pool{loop, 1, "serial"};
  Tally tally;
  bool resumed = false;

 private:
  std::promise<void> gate_;
  bool held_ = false;
};

using Wait = Task<void> (*)(World&);

Task<void> in_sleep(World& world) {
  const Local local(world.tally);
  co_await nap(world.loop, hours(1));
  world.resumed = true;
}

Task<void> in_event(World& world) {
  const Local local(world.tally);
  co_await world.event.wait_for(hours(1));
  world.resumed = true;
}

Task<void> in_semaphore(World& world) {
  const Local local(world.tally);
  const Semaphore::Permit permit = co_await world.semaphore.acquire();
  world.resumed = true;
}

Task<void> in_readable(World& world) {
  const Local local(world.tally);
  co_await world.watcher.readable();
  world.resumed = true;
}

Task<void> in_pool(World& world) {
  const Local local(world.tally);
  auto job = [held = std::make_unique<Local>(world.tally)] { return held != nullptr; };
  static_cast<void>(co_await world.pool.run(std::move(job)));
  world.resumed = true;
}

Task<Result<int>> slow(World& world) {
  const Local local(world.tally);
  co_await nap(world.loop, hours(2));
  co_return 1;
}

Task<void> in_with_timeout(World& world) {
  const Local local(world.tally);
  Error too_late(ErrorKind::kHost, "too_late", "it took too long");
  auto task = slow(world);
  const Result<int> result = co_await with_timeout<int>(world.loop, hours(1), std::move(too_late), std::move(task));
  EXPECT_FALSE(result);
  world.resumed = true;
}

Task<Result<int>> quick(World& world) {
  const Local local(world.tally);
  co_await world.event.wait_until(MonoTime::max());
  co_return 1;
}

Task<void> in_with_timeout_done(World& world) {
  const Local local(world.tally);
  Error too_late(ErrorKind::kHost, "too_late", "it took too long");
  auto task = quick(world);
  const Result<int> result = co_await with_timeout<int>(world.loop, hours(1), std::move(too_late), std::move(task));
  EXPECT_EQ(result, 1);
  world.resumed = true;
}

Task<void> middle(World& world, Wait wait) {
  const Local local(world.tally);
  co_await wait(world);
}

Task<int> outer(World& world, Wait wait) {
  const Local local(world.tally);
  auto task = middle(world, wait);
  co_await task;
  co_return 1;
}

// What makes the wait end, and how many turns pass before the chain is destroyed.
struct Moment {
  const char* name;
  Wait wait;
  void (*prepare)(World&);
  void (*end)(World&, ManualClock&);
};

void nothing(World&) {}

const std::array kMoments = {
    Moment{"sleep", in_sleep, nothing, [](World&, ManualClock& clock) { clock.advance(hours(1)); }},
    Moment{"event", in_event, nothing, [](World& world, ManualClock&) { world.event.set(); }},
    Moment{"event_time_up", in_event, nothing, [](World&, ManualClock& clock) { clock.advance(hours(1)); }},
    Moment{"semaphore", in_semaphore, nothing,
           [](World& world, ManualClock&) { Semaphore::Permit(world.semaphore).release(); }},
    Moment{"readable", in_readable, nothing,
           [](World& world, ManualClock&) { EXPECT_EQ(::write(world.sockets[1].get(), "x", 1), 1); }},
    Moment{"pool_queued", in_pool, [](World& world) { world.hold_pool(); },
           [](World& world, ManualClock&) {
             world.let_pool_go();
             world.wait_for_pool();
           }},
    Moment{"pool", in_pool, nothing, [](World& world, ManualClock&) { world.wait_for_pool(); }},
    Moment{"with_timeout", in_with_timeout, nothing, [](World&, ManualClock& clock) { clock.advance(hours(1)); }},
    Moment{"with_timeout_done", in_with_timeout_done, nothing, [](World& world, ManualClock&) { world.event.set(); }},
};

class CancellationTest : public LoopTest, public testing::WithParamInterface<Moment> {
 protected:
  CancellationTest() {
    GetParam().prepare(*world_);
    runner_.start(outer(*world_, GetParam().wait), [](int) {});
    EXPECT_GE(world_->tally.alive(), 3);
  }
  void expect_released() {
    EXPECT_EQ(world_->tally.alive(), 0);
    loop_.run_ready();
    advance(hours(5));
    EXPECT_FALSE(world_->resumed);
    EXPECT_EQ(loop_.next_timer(), MonoTime::max());
  }
  std::unique_ptr<World> world_ = std::make_unique<World>(loop_);
  TaskRunner<int> runner_;
};

TEST_P(CancellationTest, would_go_on_if_it_were_not_cancelled) {
  loop_.run_ready();
  GetParam().end(*world_, clock_);
  loop_.run_ready();
  EXPECT_TRUE(world_->resumed);
  EXPECT_FALSE(runner_.is_running());
  runner_.cancel();
  EXPECT_EQ(world_->tally.alive(), 0);
}

TEST_P(CancellationTest, before_the_loop_has_turned) {
  runner_.cancel();
  expect_released();
}

TEST_P(CancellationTest, in_the_wait) {
  if (GetParam().wait != in_pool) loop_.run_ready();
  runner_.cancel();
  expect_released();
}

TEST_P(CancellationTest, after_the_wait_has_ended_and_before_it_is_resumed) {
  GetParam().end(*world_, clock_);
  runner_.cancel();
  expect_released();
}

// The killer is queued before the loop sees the event, so it runs first in the same turn.
TEST_P(CancellationTest, in_the_turn_in_which_it_would_be_resumed) {
  if (GetParam().wait != in_pool) loop_.run_ready();
  GetParam().end(*world_, clock_);
  Wakeup killer([this] { runner_.cancel(); });
  loop_.schedule(killer);
  if (GetParam().wait == in_event || GetParam().wait == in_semaphore || GetParam().wait == in_with_timeout_done) {
    runner_.cancel(); // these queue the resumption at once: it would come before the killer
  }
  loop_.run_ready();
  expect_released();
}

TEST_P(CancellationTest, a_task_that_never_started) {
  {
    const Task<int> task = outer(*world_, GetParam().wait);
    EXPECT_TRUE(task.is_valid());
  }
  runner_.cancel();
  expect_released();
}

INSTANTIATE_TEST_SUITE_P(EachWait, CancellationTest, testing::ValuesIn(kMoments),
                         [](const auto& moment) { return moment.param.name; });

// Cancelled between grant and resumption, a permit goes to the next in line.
TEST(CancelledGrantTest, goes_to_the_next) {
  ManualClock clock;
  Loop loop(clock);
  World world(loop);
  TaskRunner<void> first;
  TaskRunner<void> second;
  first.start(in_semaphore(world), [] {});
  second.start(in_semaphore(world), [] {});
  Semaphore::Permit(world.semaphore).release();
  first.cancel();
  EXPECT_FALSE(world.resumed);
  loop.run_ready();
  EXPECT_TRUE(world.resumed);
  second.cancel();
  EXPECT_EQ(world.semaphore.free_permits(), 1U);
  EXPECT_EQ(world.tally.alive(), 0);
}

} // namespace
} // namespace mailmoor::runtime
