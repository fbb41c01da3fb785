#include "mailbox/token_world.h"

#include "support/full_disk.h"

#include <list>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class KeeperTest : public TokenWorld {};

TEST_F(KeeperTest, LiveToken_IsHandedOutWithoutARequest) {
  store_token("A1", "R1", world.now() - 10s);
  start();
  EXPECT_EQ("A1", access_token());
  EXPECT_TRUE(server.requests.empty());
  EXPECT_EQ(world.now() - 10s + 1h, keeper->expires_at());
  EXPECT_FALSE(keeper->trouble());
}

TEST_F(KeeperTest, NoToken_SaysThatALoginIsNeeded) {
  start();
  EXPECT_EQ("login_needed", access_token());
  ASSERT_TRUE(keeper->trouble());
  EXPECT_THAT(keeper->trouble()->remedy, HasSubstr("mailmoorctl login alice"));
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(KeeperTest, RefreshesBetweenAHalfAndThreeQuartersOfTheLife) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now());
  start();
  world.pass(30min - 2s);
  EXPECT_FALSE(keeper->is_refreshing());
  world.pass(15min + 2s);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ(1U, server.requests.size());
  EXPECT_THAT(server.requests[0].body, HasSubstr("refresh_token=R1"));
  EXPECT_EQ("A2", access_token());
  EXPECT_EQ("R2", stored_refresh_token());
}

TEST_F(KeeperTest, ManyWaiters_ShareOneRequest) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  start();
  std::list<Asker> askers;
  for (int i = 0; i < 50; ++i)
    askers.emplace_back(keeper->access_token());
  ASSERT_TRUE(world.until([&] { return !server.requests.empty(); }));
  server.release();
  ASSERT_TRUE(world.until([&] { return std::ranges::all_of(askers, [](auto& a) { return a.result.has_value(); }); }));
  for (const Asker& asker : askers)
    EXPECT_EQ("A2", shown(*asker.result));
  EXPECT_EQ(1U, server.requests.size());
}

TEST_F(KeeperTest, RotatedToken_IsStoredBeforeAnyoneGetsTheAccessToken) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  server.hold();
  Asker asker(keeper->access_token());
  ASSERT_TRUE(world.until([&] { return !server.requests.empty(); }));
  testing::Plug slow_disk(world.store_thread);
  server.release();
  ASSERT_TRUE(world.until([&] { return world.store_thread.backlog() >= 2; })); // the plug, and the save behind it
  world.loop.run_ready();
  EXPECT_FALSE(asker.result);
  slow_disk.pull();
  ASSERT_TRUE(world.until([&] { return asker.result.has_value(); }));
  EXPECT_EQ("A2", shown(*asker.result));
  EXPECT_EQ("R2", stored_refresh_token());
}

TEST_F(KeeperTest, DestroyedWhileTheSaveIsQueued_StillStoresTheRotatedToken) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  Asker asker(keeper->access_token());
  ASSERT_TRUE(world.until([&] { return !server.requests.empty(); }));
  testing::Plug slow_disk(world.store_thread);
  ASSERT_TRUE(world.until([&] { return world.store_thread.backlog() >= 2; }));
  world.loop.run_ready();
  keeper.reset();
  slow_disk.pull();
  world.run_ready();
  EXPECT_EQ("R2", stored_refresh_token());
}

TEST_F(KeeperTest, StoreFails_KeepsTheTokenUnusedUntilItCanBeStored) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  Asker asker(keeper->access_token());
  ASSERT_TRUE(world.until([&] { return !server.requests.empty(); }));
  {
    const testing::FullDisk full;
    ASSERT_TRUE(world.until([&] { return !world.logged.empty(); }));
  }
  EXPECT_EQ("disk_full", world.logged.at(0).code);
  EXPECT_FALSE(asker.result);
  EXPECT_TRUE(keeper->is_refreshing());
  EXPECT_EQ("R1", stored_refresh_token());
  world.pass(5s);
  ASSERT_TRUE(world.until([&] { return asker.result.has_value(); }));
  EXPECT_EQ("A2", shown(*asker.result));
  EXPECT_EQ("R2", stored_refresh_token());
  EXPECT_EQ(1U, server.requests.size());
}

TEST_F(KeeperTest, StoreFails_WaitersAreToldSo) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  Asker asker(keeper->access_token());
  const testing::FullDisk full;
  ASSERT_TRUE(world.until([&] { return !world.logged.empty(); }));
  world.clock.advance(90s);
  ASSERT_TRUE(world.until([&] { return asker.result.has_value(); }));
  EXPECT_EQ("disk_full", shown(*asker.result));
}

TEST_F(KeeperTest, SignInWhileATokenCannotBeStored_Wins) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  Asker asker(keeper->access_token());
  {
    const testing::FullDisk full;
    ASSERT_TRUE(world.until([&] { return !world.logged.empty(); }));
  }
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  world.pass(5s);
  EXPECT_EQ("A9", access_token());
  EXPECT_EQ("R9", stored_refresh_token());
  EXPECT_FALSE(keeper->is_refreshing());
}

TEST_F(KeeperTest, InvalidGrant_KeepsTheTokenAndProbesSlowly) {
  server.answer = [](const auto&) {
    return HttpServer::json(400, R"({"error":"invalid_grant","error_description":"AADSTS50173: revoked"})");
  };
  store_token("A1", "R1", world.now() - 2h);
  start();
  EXPECT_EQ("login_needed", access_token());
  ASSERT_TRUE(keeper->trouble());
  EXPECT_EQ("login_needed", keeper->trouble()->code);
  EXPECT_THAT(keeper->trouble()->remedy, HasSubstr("mailmoorctl login alice"));
  EXPECT_EQ("R1", stored_refresh_token());
  EXPECT_EQ(1U, server.requests.size());
  // Whoever asks in between is told the same, without a request.
  world.pass(59min);
  EXPECT_EQ("login_needed", access_token());
  EXPECT_EQ(1U, server.requests.size());
  // The condition clears on the server's side.
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "")); };
  world.pass(20min);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("A2", access_token());
  EXPECT_EQ("R1", stored_refresh_token());
  EXPECT_FALSE(keeper->trouble());
}

TEST_F(KeeperTest, EndpointDownWhileTheTokenLives_IsNoTrouble) {
  server.answer = [](const auto&) { return HttpServer::json(503, "<html>"); };
  store_token("A1", "R1", world.now());
  start();
  world.pass(45min);
  ASSERT_TRUE(refreshed());
  ASSERT_EQ(1U, server.requests.size());
  EXPECT_FALSE(keeper->trouble());
  EXPECT_EQ("A1", access_token());
  EXPECT_EQ(1U, world.logged.size());
}

TEST_F(KeeperTest, FailuresInARow_AreSpacedByTheLadder) {
  server.answer = [](const auto&) { return HttpServer::Reply{500, "<html>", "Content-Type: text/html\r\n"}; };
  store_token("A1", "R1", world.now() - 2h);
  start();
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  for (int i = 0; i < 60; ++i) {
    world.pass(1min);
    ASSERT_TRUE(refreshed());
  }
  // 2 s doubling to 15 min, the later half by chance: never more than 14 in an hour, and still at it.
  EXPECT_GE(server.requests.size(), 10U);
  EXPECT_LE(server.requests.size(), 15U);
  EXPECT_EQ("R1", stored_refresh_token());
}

TEST_F(KeeperTest, RecoveryIsToldForItsOwnFaultsOnly) {
  world.faults.raise(log::Priority::kWarning, {.mailbox = "alice", .error = "throttled"}, "by the mail server",
                     world.now());
  server.answer = [](const auto&) { return HttpServer::json(503, ""); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  EXPECT_EQ("token_endpoint_unavailable", access_token());
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  world.pass(2s);
  EXPECT_EQ("A2", access_token());
  ASSERT_EQ(3U, world.logged.size());
  EXPECT_EQ("token_endpoint_unavailable", world.logged[2].code);
  EXPECT_THAT(world.logged[2].message, HasSubstr("over after"));
}

TEST_F(KeeperTest, GarbageForAnAnswer_IsAFaultOfTheServer) {
  store_token("A1", "R1", world.now() - 2h);
  start();
  for (const std::string_view body : {"", "<html>captive portal</html>", "{\"access_token\":\"A", "[]", "\xFF\xFE{"}) {
    server.answer = [body](const auto&) { return HttpServer::Reply{200, std::string(body)}; };
    world.clock.advance(1h);
    EXPECT_EQ("token_endpoint_unavailable", access_token()) << body;
  }
  server.answer = [](const auto&) { return HttpServer::Reply{.body = "", .breaks_off = true}; };
  world.clock.advance(1h);
  const auto broken_off = world.finish(keeper->access_token());
  ASSERT_FALSE(broken_off);
  EXPECT_EQ(ErrorKind::kHost, broken_off.error().kind);
  EXPECT_EQ("R1", stored_refresh_token());
}

TEST_F(KeeperTest, SuccessThatCannotBeUsedButRotates_StoresTheNewRefreshToken) {
  server.answer = [](const auto&) {
    return HttpServer::json(200, R"({"token_type":"MAC","access_token":"A2","expires_in":3600,"refresh_token":"R2"})");
  };
  store_token("A1", "R1", world.now());
  start();
  world.pass(45min);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("R2", stored_refresh_token());
  EXPECT_EQ("A1", access_token()); // it lives for a quarter of an hour yet
  ASSERT_EQ(1U, world.logged.size());
}

TEST_F(KeeperTest, OneSecondTokens_MakeNoStorm) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2", 1)); };
  store_token("A1", "R1", world.now() - 2h);
  start();
  EXPECT_EQ("token_too_short", access_token());
  const std::size_t before = server.requests.size();
  EXPECT_LE(before, 2U);
  for (int i = 0; i < 10; ++i) {
    world.pass(500ms);
    ASSERT_TRUE(refreshed());
  }
  EXPECT_LE(server.requests.size() - before, 6U);
}

TEST_F(KeeperTest, TokenOfAFutureThatNeverCame_IsRefreshedInADay) {
  // The clock was years ahead when the token was stored, and is right now.
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now() + 24h * 365);
  start();
  for (int i = 0; i < 27; ++i)
    world.pass(1h);
  ASSERT_TRUE(refreshed());
  EXPECT_EQ("R2", stored_refresh_token());
}

// A vault of its own with a token in it, after `sql` has been run on the closed database.
[[nodiscard]] store::TokenVault vault_after(const std::string& path, std::string_view token_id,
                                            const std::string& sql) {
  const auto key = [] {
    return store::MasterKey::parse(Secret(std::string(31, '\x01') + '\xFF'), store::KeySource::kFile, "test").value();
  };
  {
    auto vault = store::TokenVault::open_blocking(path, key()).value();
    store::StoredToken token;
    token.access_token = Secret("A1");
    token.refresh_token = Secret("R1");
    EXPECT_TRUE(vault.save_token_blocking(token_id, token));
  }
  EXPECT_TRUE(store::Database::open_blocking({.path = path}).value().run_blocking(sql));
  return store::TokenVault::open_blocking(path, key()).value();
}

TEST_F(KeeperTest, DamagedRow_NeedsAPersonAndASignInMends) {
  world.vault =
      vault_after(world.directory / "moved.db", "app/mallory", concat("UPDATE token SET token_id = '", kTokenId, "'"));
  start();
  EXPECT_EQ("sealed_value_damaged", access_token());
  ASSERT_TRUE(keeper->trouble());
  EXPECT_EQ("sealed_value_damaged", keeper->trouble()->code);
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  EXPECT_EQ("A9", access_token());
  EXPECT_FALSE(keeper->trouble());
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(KeeperTest, VaultThatCannotBeReadForAWhile_IsReadAgain) {
  store_token("A1", "R1", world.now());
  auto broken = vault_after(world.directory / "broken.db", kTokenId, "ALTER TABLE token RENAME TO gone");
  std::swap(world.vault, broken);
  start();
  EXPECT_EQ("database_error", access_token());
  std::swap(world.vault, broken);
  world.pass(2s);
  EXPECT_EQ("A1", access_token());
  EXPECT_FALSE(keeper->trouble());
}

} // namespace
} // namespace mailmoor::mailbox
