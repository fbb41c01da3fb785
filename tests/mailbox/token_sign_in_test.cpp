// Sign-ins, logouts and refreshes that meet each other.
#include "mailbox/token_world.h"

#include "support/full_disk.h"

#include <list>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

class SignInTest : public TokenWorld {
 protected:
  // A refresh whose answer, A2 and R2 unless told otherwise, waits on the server for release().
  void begin_refresh(std::string_view refresh = "R2") {
    server.answer = [refresh](const auto&) { return HttpServer::json(200, grant_json("A2", refresh)); };
    server.hold();
    store_token("A1", "R1", world.now() - 2h);
    start();
    asker.emplace(keeper->access_token());
    ASSERT_TRUE(world.until([&] { return !server.requests.empty(); }));
  }
  // What the one who waited for that refresh was told.
  [[nodiscard]] std::string told() {
    EXPECT_TRUE(world.until([&] { return asker->result.has_value(); }));
    return shown(*asker->result);
  }
  std::optional<Asker> asker;
};

TEST_F(SignInTest, SignIn_IsDurableAndInUse) {
  start();
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  EXPECT_EQ("R9", stored_refresh_token());
  EXPECT_EQ("A9", access_token());
  EXPECT_FALSE(keeper->trouble());
}

TEST_F(SignInTest, SignInWithoutARefreshToken_IsRefused) {
  start();
  const Status adopted = world.finish(keeper->adopt_sign_in(grant("A9", ""), world.now()));
  ASSERT_FALSE(adopted);
  EXPECT_EQ("no_refresh_token", adopted.error().code);
  EXPECT_EQ("none", stored_refresh_token());
}

TEST_F(SignInTest, SignInBeforeTheVaultIsRead_Holds) {
  store_token("A1", "R1", world.now());
  client = std::make_unique<OauthClient>(world.services, settings());
  keeper = std::make_unique<TokenKeeper>(world.services, *client, std::string(kTokenId), "alice");
  keeper->start();
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  world.run_ready();
  EXPECT_EQ("A9", access_token());
}

TEST_F(SignInTest, SignInDuringARefresh_TheLateReplyIsDropped) {
  begin_refresh();
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  EXPECT_EQ("A9", told());
  server.release();
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("A9", access_token());
  EXPECT_EQ("R9", stored_refresh_token());
}

TEST_F(SignInTest, SignInDuringARefresh_TheLateRefusalIsDropped) {
  begin_refresh();
  server.answer = [](const auto&) { return HttpServer::json(400, R"({"error":"invalid_grant"})"); };
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  server.release();
  ASSERT_TRUE(refreshed());
  EXPECT_FALSE(keeper->trouble());
  EXPECT_TRUE(world.logged.empty());
  world.pass(45min); // and did not disturb the plan for the new token
  ASSERT_TRUE(refreshed());
  EXPECT_EQ(2U, server.requests.size());
}

TEST_F(SignInTest, SignInThatCannotBeStored_DoesNotCostTheRotatedToken) {
  begin_refresh();
  {
    const testing::FullDisk full;
    const Status adopted = world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now()));
    ASSERT_FALSE(adopted);
    EXPECT_EQ("disk_full", adopted.error().code);
  }
  server.release();
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("R2", stored_refresh_token());
  EXPECT_EQ("A2", access_token());
}

TEST_F(SignInTest, LogoutDuringARefresh_TheLateReplyIsDropped) {
  begin_refresh();
  ASSERT_TRUE(world.finish(keeper->forget()));
  EXPECT_EQ("login_needed", told());
  server.release();
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("login_needed", access_token());
  EXPECT_EQ("none", stored_refresh_token());
}

TEST_F(SignInTest, RefreshThatBeginsWhileALogoutIsBeingWritten_IsDroppedToo) {
  // Without a refresh token in the answer, so that the old one would be needed.
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "")); };
  store_token("A1", "R1", world.now());
  start();
  testing::Plug slow_disk(world.store_thread);
  std::optional<Status> forgotten;
  runtime::TaskRunner<Status> runner;
  runner.start(keeper->forget(), [&forgotten](Status status) { forgotten.emplace(std::move(status)); });
  Asker newer(keeper->access_token_after(1));
  ASSERT_TRUE(world.until([&] { return !server.requests.empty(); }));
  server.hold();
  slow_disk.pull();
  ASSERT_TRUE(world.until([&] { return forgotten.has_value(); }));
  server.release();
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("login_needed", access_token());
  EXPECT_EQ("none", stored_refresh_token());
}

TEST_F(SignInTest, AccessTokenAfter_RefreshesOnceForAllWhoWereRefused) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now());
  start();
  const auto first = world.finish(keeper->access_token());
  ASSERT_TRUE(first);
  std::list<Asker> refused;
  for (int i = 0; i < 10; ++i)
    refused.emplace_back(keeper->access_token_after(first->generation));
  ASSERT_TRUE(world.until([&] { return std::ranges::all_of(refused, [](auto& a) { return a.result.has_value(); }); }));
  for (const Asker& one : refused)
    EXPECT_EQ("A2", shown(*one.result));
  // Somebody who comes later with the old one gets what there is.
  EXPECT_EQ("A2", shown(world.finish(keeper->access_token_after(first->generation))));
  EXPECT_EQ(1U, server.requests.size());
}

TEST_F(SignInTest, AccessTokenAfter_LeavesTheOldOneToTheNeighbours) {
  // One mailbox is refused (it lacks a right), the endpoint is down: those that are let in go on.
  server.answer = [](const auto&) { return HttpServer::json(503, ""); };
  store_token("A1", "R1", world.now());
  start();
  const auto first = world.finish(keeper->access_token());
  ASSERT_TRUE(first);
  EXPECT_EQ("token_endpoint_unavailable", shown(world.finish(keeper->access_token_after(first->generation))));
  EXPECT_EQ("A1", access_token());
  EXPECT_FALSE(keeper->trouble());
}

TEST_F(SignInTest, RetiredKeeper_SendsNothingAndKeepsNobodyWaiting) {
  store_token("A1", "R1", world.now() - 2h);
  start();
  keeper->retire();
  EXPECT_EQ("stopping", access_token());
  world.pass(1h);
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(SignInTest, RetiredDuringARefresh_TheRotatedTokenIsStored) {
  begin_refresh();
  keeper->retire();
  EXPECT_TRUE(keeper->is_refreshing());
  server.release();
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("R2", stored_refresh_token());
  EXPECT_EQ("A2", told());
}

TEST_F(SignInTest, RetiredWhileOneWaits_LetsItGo) {
  store_token("A1", "R1", world.now() - 2h);
  client = std::make_unique<OauthClient>(world.services, settings());
  keeper = std::make_unique<TokenKeeper>(world.services, *client, std::string(kTokenId), "alice");
  testing::Plug slow_disk(world.store_thread);
  keeper->start();
  Asker waiting(keeper->access_token());
  keeper->retire();
  world.loop.run_ready();
  ASSERT_TRUE(waiting.result);
  EXPECT_EQ("stopping", shown(*waiting.result));
}

TEST_F(SignInTest, Changed_IsSetForEverythingThatStatusShows) {
  start();
  int changes = 0;
  const auto count = [](runtime::Event& changed, int& times) -> runtime::Task<void> {
    while (true) {
      co_await changed.wait_until(runtime::MonoTime::max());
      ++times;
    }
  };
  runtime::TaskRunner<void> watcher;
  watcher.start(count(keeper->changed(), changes), [] {});
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  world.run_ready();
  EXPECT_GE(changes, 1);
  const int before = changes;
  ASSERT_TRUE(world.finish(keeper->forget()));
  world.run_ready();
  EXPECT_GT(changes, before);
}

} // namespace
} // namespace mailmoor::mailbox
