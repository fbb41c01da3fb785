// Refreshes of many tokens by the real keepers under a clock that is moved: how fast, how late. Prints its figures.
#include "mailbox/app_world.h"

#include <cstdio>
#include <cstdlib>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

class PaceTest : public AppWorld {
 protected:
  struct Seen {
    runtime::WallTime at;
    std::size_t number;
  };
  // Answers every refresh; `life` of the new tokens.
  void answer_all(int life) {
    server.answer = [this, life](const auto& request) {
      const std::size_t from = request.body.find("refresh_token=R") + 15;
      const std::size_t number = std::stoul(request.body.substr(from));
      seen.push_back({world.loop.wall_now(), number});
      return HttpServer::json(200, grant_json(concat("B", number), "", life));
    };
  }
  [[nodiscard]] std::size_t busiest(std::chrono::milliseconds window) const {
    std::size_t most = 0;
    for (std::size_t first = 0, last = 0; last < seen.size(); ++last) {
      while (seen[last].at - seen[first].at >= window)
        ++first;
      most = std::max(most, last - first + 1);
    }
    return most;
  }
  std::vector<Seen> seen;
};

TEST_F(PaceTest, FiveHundredThatExpireInTheSameMinute_AreSpreadAndNoneIsLate) {
  constexpr std::size_t kCount = 500;
  answer_all(36000);
  const UnixTime begin = world.now();
  ASSERT_NO_FATAL_FAILURE(store_tokens(kCount, begin));
  start_all(kCount);
  ASSERT_NO_FATAL_FAILURE(live_through(29min, 1s));
  ASSERT_NO_FATAL_FAILURE(live_through(17min, 100ms)); // the gate's own grain
  ASSERT_NO_FATAL_FAILURE(live_through(14min, 1s));
  ASSERT_EQ(kCount, seen.size());
  const auto first = std::chrono::floor<seconds>(seen.front().at - begin);
  const auto last = std::chrono::floor<seconds>(seen.back().at - begin);
  std::printf("500 tokens of one hour, obtained in one second: refreshed between %ld s and %ld s, %ld s before their "
              "end at the latest; at most %zu in 60 s, %zu in 1 s\n",
              static_cast<long>(first.count()), static_cast<long>(last.count()),
              static_cast<long>((seconds(3600) - last).count()), busiest(60s), busiest(1s));
  EXPECT_GE(first, 29min);
  EXPECT_LE(last, 45min + 1s);
  EXPECT_LE(busiest(60s), 75U);
}

TEST_F(PaceTest, LowRate_IsKeptAndNoneIsLateWhileItIsPossible) {
  constexpr std::size_t kCount = 300;
  answer_all(36000);
  const UnixTime begin = world.now();
  ASSERT_NO_FATAL_FAILURE(store_tokens(kCount, begin));
  start_all(kCount, 12); // 25 minutes for all of them: from minute 30 to minute 55
  ASSERT_NO_FATAL_FAILURE(live_through(1h, 1s));
  ASSERT_EQ(kCount, seen.size());
  const auto last = std::chrono::floor<seconds>(seen.back().at - begin);
  std::printf("300 tokens of one hour at 12 a minute: the last one %ld s before its end; at most %zu in 60 s\n",
              static_cast<long>((seconds(3600) - last).count()), busiest(60s));
  EXPECT_LE(busiest(60s), 12U);
  EXPECT_LT(last, 1h);
}

// MAILMOOR_TEST_LONG=1: 5,000 of them.
TEST_F(PaceTest, ManyAfterAnOutage_KeepTheRateAndThoseThatAreWantedGoFirst) {
  const char* const is_long = std::getenv("MAILMOOR_TEST_LONG"); // NOLINT(concurrency-mt-unsafe)
  const std::size_t kCount = is_long != nullptr ? 5000 : 1000;
  answer_all(36000);
  ASSERT_NO_FATAL_FAILURE(store_tokens(kCount, world.now() - 5h));
  start_all(kCount);
  const runtime::WallTime begin = world.loop.wall_now();
  std::list<Asker> askers;
  for (std::size_t n = kCount - 20; n < kCount; ++n)
    askers.emplace_back(keepers[n]->access_token());
  world.run_ready();
  for (int step = 0; step < 6000 && seen.size() < kCount; ++step) {
    world.clock.advance(100ms);
    world.loop.run_ready();
    ASSERT_TRUE(settled());
  }
  ASSERT_EQ(kCount, seen.size());
  const auto whole = std::chrono::floor<seconds>(seen.back().at - begin);
  runtime::WallTime wanted{};
  for (const Seen& each : seen)
    if (each.number >= kCount - 20) wanted = std::max(wanted, each.at);
  std::printf("%zu expired tokens at %d a minute: all after %ld s, at most %zu in 60 s; the 20 that were waited for "
              "after %ld ms\n",
              kCount, kRefreshesPerMinute, static_cast<long>(whole.count()), busiest(60s),
              static_cast<long>((wanted - begin).count()));
  EXPECT_LE(busiest(60s), static_cast<std::size_t>(kRefreshesPerMinute));
  EXPECT_LE(whole, seconds(kCount / 10 + 10));
  EXPECT_LE(wanted - begin, 5s);
}

TEST_F(PaceTest, MoreThanTheRateAllows_TheOneThatEndsFirstGoesFirst) {
  answer_all(36000);
  // Half of them end in 20 minutes, half in 50; at 1 a minute not all can be in time.
  for (std::size_t n = 0; n < 40; ++n) {
    store::StoredToken token;
    token.access_token = Secret("A");
    token.refresh_token = Secret(concat("R", n, "-0"));
    token.obtained_at = world.now() - 4h;
    token.expires_at = world.now() + (n % 2 == 0 ? 50min : 20min);
    ASSERT_TRUE(world.vault.save_token_blocking(id_of(n), token));
  }
  start_all(40, 1);
  ASSERT_NO_FATAL_FAILURE(live_through(45min, 10s));
  ASSERT_GE(seen.size(), 38U);
  const std::size_t early = static_cast<std::size_t>(
      std::ranges::count_if(seen.begin(), seen.begin() + 20, [](const Seen& each) { return each.number % 2 == 1; }));
  EXPECT_GE(early, 19U); // one may have had its turn before the others stood in line
}

// A refresh token that is not used for 90 days dies.
TEST_F(PaceTest, NobodyUsesIt_ItIsRefreshedDaily) {
  answer_all(14 * 24 * 3600); // access tokens of a fortnight
  ASSERT_NO_FATAL_FAILURE(store_tokens(1, world.now()));
  start_all(1);
  ASSERT_NO_FATAL_FAILURE(live_through(24h * 10, 10min));
  ASSERT_GE(seen.size(), 10U);
  for (std::size_t i = 1; i < seen.size(); ++i)
    EXPECT_LE(seen[i].at - seen[i - 1].at, 24h + 10min);
  EXPECT_LE(seen.size(), 16U);
}

TEST_F(PaceTest, EndpointThatRefusedForAMonth_IsAskedAtLeastDaily) {
  server.answer = [this](const auto&) {
    seen.push_back({world.loop.wall_now(), 0});
    return HttpServer::json(400, R"({"error":"invalid_grant","error_codes":[50057]})");
  };
  ASSERT_NO_FATAL_FAILURE(store_tokens(1, world.now() - 2h));
  start_all(1);
  ASSERT_NO_FATAL_FAILURE(live_through(24h * 30, 30min));
  for (std::size_t i = 1; i < seen.size(); ++i)
    EXPECT_LE(seen[i].at - seen[i - 1].at, 24h + 30min);
  EXPECT_GE(seen.size(), 30U);
  EXPECT_EQ("R0-0", stored(0));
}

} // namespace
} // namespace mailmoor::mailbox
