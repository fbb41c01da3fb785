#include "runtime/loop_fixture.h"
#include "util/may_block.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mailmoor::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LoopItselfTest : public LoopTest {
 protected:
  std::string seen_;
};

TEST_F(LoopItselfTest, schedule_runs_later_and_once) {
  Wakeup wakeup([this] { seen_ += 'w'; });
  loop_.schedule(wakeup);
  loop_.schedule(wakeup);
  EXPECT_EQ(seen_, "");
  loop_.run_ready();
  EXPECT_EQ(seen_, "w");
  loop_.run_ready();
  EXPECT_EQ(seen_, "w");
}

TEST_F(LoopItselfTest, a_wakeup_may_schedule_itself_again) {
  int runs = 0;
  Wakeup wakeup([&] {
    if (++runs < 5) loop_.schedule(wakeup);
  });
  loop_.schedule(wakeup);
  loop_.run_ready();
  EXPECT_EQ(runs, 5);
}

TEST_F(LoopItselfTest, a_wakeup_may_destroy_itself) {
  std::unique_ptr<Wakeup> wakeup;
  const std::string large_capture(100, 'x');
  wakeup = std::make_unique<Wakeup>([this, &wakeup, large_capture] {
    wakeup.reset();
    seen_ += large_capture.front();
  });
  loop_.schedule(*wakeup);
  loop_.run_ready();
  EXPECT_EQ(seen_, "x");
}

TEST_F(LoopItselfTest, a_wakeup_may_destroy_others_of_its_batch) {
  auto victim = std::make_unique<Wakeup>([this] { seen_ += 'v'; });
  Wakeup killer([&victim] { victim.reset(); });
  Wakeup last([this] { seen_ += 'l'; });
  loop_.schedule(killer);
  loop_.schedule(*victim);
  loop_.schedule(last);
  loop_.run_ready();
  EXPECT_EQ(seen_, "l");
}

TEST_F(LoopItselfTest, a_destroyed_wakeup_does_not_run) {
  {
    Wakeup wakeup([this] { seen_ += 'w'; });
    loop_.schedule(wakeup);
  }
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
}

TEST_F(LoopItselfTest, what_a_turn_wakes_runs_in_the_next) {
  Wakeup second([this] { seen_ += '2'; });
  Wakeup first([this, &second] {
    loop_.schedule(second);
    seen_ += '1';
  });
  Wakeup other([this] { seen_ += 'o'; });
  loop_.schedule(first);
  loop_.schedule(other);
  loop_.run_ready();
  EXPECT_EQ(seen_, "1o2");
}

TEST_F(LoopItselfTest, run_ends_with_stop_and_may_run_again) {
  for (int i = 0; i < 2; ++i) {
    Wakeup stopper([this] { loop_.stop(); });
    loop_.schedule(stopper);
    loop_.run();
    EXPECT_FALSE(stopper.is_linked());
  }
}

TEST_F(LoopItselfTest, stop_before_run_ends_it_at_once) {
  loop_.stop();
  loop_.run();
}

TEST_F(LoopItselfTest, posts_of_one_thread_keep_their_order) {
  loop_.post([this] { seen_ += 'a'; });
  loop_.post([this] { seen_ += 'b'; });
  loop_.post([this] { loop_.post([this] { seen_ += 'd'; }); });
  loop_.post([this] { seen_ += 'c'; });
  EXPECT_EQ(seen_, "");
  loop_.run_ready();
  EXPECT_EQ(seen_, "abcd");
}

TEST_F(LoopItselfTest, posts_from_threads_all_arrive_on_the_loop_thread) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 500;
  std::array<std::vector<int>, kThreads> arrived; // by the loop thread only
  const auto loop_thread = std::this_thread::get_id();
  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i)
        loop_.post([&, thread, i] {
          EXPECT_EQ(std::this_thread::get_id(), loop_thread);
          arrived[thread].push_back(i);
        });
    });
  loop_.run_until([&arrived] {
    for (const auto& numbers : arrived)
      if (numbers.size() != kPosts) return false;
    return true;
  });
  for (const auto& numbers : arrived)
    EXPECT_TRUE(std::ranges::is_sorted(numbers));
}

TEST_F(LoopItselfTest, a_post_may_destroy_what_others_wait_with) {
  auto victim = std::make_unique<Wakeup>([this] { seen_ += 'v'; });
  loop_.schedule(*victim);
  loop_.post([&victim] { victim.reset(); });
  loop_.run_ready();
  EXPECT_FALSE(victim);
}

TEST_F(LoopItselfTest, nothing_may_block_while_it_runs) {
  bool could_block = true;
  Wakeup wakeup([&could_block] { could_block = mailmoor::detail::thread_may_block; });
  loop_.schedule(wakeup);
  loop_.run_ready();
  EXPECT_FALSE(could_block);
  EXPECT_TRUE(mailmoor::detail::thread_may_block);
}

TEST_F(LoopItselfTest, lag_is_the_time_that_one_turn_took) {
  std::vector<Duration> lags;
  loop_.on_lag(milliseconds(50), [&lags](Duration lag) { lags.push_back(lag); });
  Wakeup quick([this] { clock_.advance(milliseconds(50)); });
  loop_.schedule(quick);
  loop_.run_ready();
  EXPECT_TRUE(lags.empty());
  Wakeup slow([this] { clock_.advance(milliseconds(51)); });
  loop_.schedule(slow);
  loop_.run_ready();
  ASSERT_EQ(lags.size(), 1U);
  EXPECT_EQ(lags[0], milliseconds(51));
  loop_.run_ready();
  EXPECT_EQ(lags.size(), 1U);
}

TEST_F(LoopItselfTest, posted_functions_count_as_busy_time) {
  std::vector<Duration> lags;
  loop_.on_lag(milliseconds(50), [&lags](Duration lag) { lags.push_back(lag); });
  loop_.post([this] { clock_.advance(milliseconds(80)); });
  loop_.run_ready();
  ASSERT_EQ(lags.size(), 1U);
  EXPECT_EQ(lags[0], milliseconds(80));
}

TEST_F(LoopItselfTest, time_between_runs_is_no_lag) {
  std::vector<Duration> lags;
  loop_.on_lag(milliseconds(50), [&lags](Duration lag) { lags.push_back(lag); });
  clock_.advance(seconds(1));
  loop_.run_ready();
  clock_.advance(seconds(1));
  loop_.run_ready();
  EXPECT_TRUE(lags.empty());
}

} // namespace
} // namespace mailmoor::runtime
