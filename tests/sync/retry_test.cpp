#include "sync/retry.h"

#include "sync/sync_fixture.h"

namespace mailmoor::sync {
namespace {

using namespace std::chrono_literals;

TEST(RetryDelay, Strikes_FollowTheSchedule) {
  EXPECT_EQ(retry_delay(1), 10min);
  EXPECT_EQ(retry_delay(2), 1h);
  EXPECT_EQ(retry_delay(3), 6h);
  EXPECT_EQ(retry_delay(4), 24h);
  EXPECT_EQ(retry_delay(5), 168h);
  EXPECT_EQ(retry_delay(4'000'000'000), 168h);
}

TEST(Due, Records_AreDueFromTheirTimeOn) {
  const RetryRecords records = {{uid(3), 1, at(99), ""}, {uid(5), 1, at(100), ""}, {uid(7), 1, at(101), ""}};
  EXPECT_EQ(due(records, at(100)), uids("3,5"));
  EXPECT_EQ(uids_of(records), uids("3,5,7"));
}

TEST(AccountFor, EverythingArrived_NothingFollows) {
  for (const FetchEnd end : {FetchEnd::kTagged, FetchEnd::kLost, FetchEnd::kNotReached}) {
    const auto accounts = account_for(uids("1:3"), uids("1:3"), end, {}, at(0), "");
    EXPECT_TRUE(accounts.ask_alone.empty());
    EXPECT_TRUE(accounts.struck.empty());
  }
}

TEST(AccountFor, MissingFromAnAnswerAboutSeveral_IsAskedForAloneWithoutAStrike) {
  const auto accounts = account_for(uids("1:5"), uids("2,4"), FetchEnd::kTagged, {}, at(0), "");
  EXPECT_EQ(accounts.ask_alone, uids("1,3,5"));
  EXPECT_TRUE(accounts.struck.empty());
}

TEST(AccountFor, MissingWhenAskedForAlone_IsAStrikeMore) {
  const auto first = account_for(uids("7"), {}, FetchEnd::kTagged, {}, at(kNow), "OK and nothing");
  EXPECT_EQ(first.struck, (RetryRecords{{uid(7), 1, at(kNow) + 10min, "OK and nothing"}}));
  const auto second = account_for(uids("7"), {}, FetchEnd::kTagged, first.struck, at(kNow), "still");
  EXPECT_EQ(second.struck, (RetryRecords{{uid(7), 2, at(kNow) + 1h, "still"}}));
}

TEST(AccountFor, ConnectionLost_StrikesTheLowestMissingAndWaitsFromTheThirdTime) {
  RetryRecords records;
  for (const auto delay : {0min, 0min, 10min, 60min}) {
    const auto accounts = account_for(uids("1:5"), uids("1:2"), FetchEnd::kLost, records, at(kNow), "cut");
    EXPECT_TRUE(accounts.ask_alone.empty());
    ASSERT_EQ(accounts.struck.size(), 1U);
    EXPECT_EQ(accounts.struck[0].uid, uid(3));
    EXPECT_EQ(accounts.struck[0].next_try, at(kNow) + delay);
    records = accounts.struck;
  }
}

TEST(AccountFor, CommandThatWasNotReached_SaysNothing) {
  const auto accounts = account_for(uids("1:5"), {}, FetchEnd::kNotReached, {}, at(0), "");
  EXPECT_TRUE(accounts.ask_alone.empty());
  EXPECT_TRUE(accounts.struck.empty());
}

} // namespace
} // namespace mailmoor::sync
