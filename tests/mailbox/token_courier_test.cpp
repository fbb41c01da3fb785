// A keeper whose refreshes go through the courier. The courier's own side runs on the test's loop here; what it is as a
// process is the matter of tests/crash/test_refresh_kill.py.
#include "courier/answer.h"
#include "courier/courier.h"
#include "courier/service.h"
#include "mailbox/token_answer.h"
#include "mailbox/token_world.h"
#include "store/derived_key.h"
#include "store/reply_journal.h"

#include <array>
#include <fstream>
#include <iterator>
#include <sys/socket.h>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class TokenCourierTest : public TokenWorld {
 protected:
  ~TokenCourierTest() override {
    keeper.reset();
    courier_.reset();
    world.run_ready();
    services_.clear();
  }
  // Daemon and courier anew, as after a restart of both.
  void restart() {
    die();
    courier::CourierSettings settings;
    settings.journal_path = world.directory / "courier.journal";
    settings.journal_key = Secret(key_);
    settings.token_after = token_after;
    settings.spawn_blocking = [this](int journal) { return spawn(journal); };
    courier_ = std::make_unique<courier::Courier>(world.loop, world.store_thread, world.vault, world.faults,
                                                  std::move(settings));
    world.services.courier = courier_.get();
    start();
  }
  // The daemon is gone; its courier is not.
  void die() {
    keeper.reset();
    client.reset();
    courier_.reset();
    world.run_ready();
  }
  void kill_couriers() {
    services_.clear();
    world.run_ready();
  }
  [[nodiscard]] std::string journal() const {
    std::ifstream in(world.directory / "courier.journal", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  // Runs everything until `fact` holds, in steps of `step`; false after 20 s of real time.
  template<class Fact>
  [[nodiscard]] bool eventually(Fact fact, runtime::Duration step = 1ms) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!fact()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      world.pass(step);
    }
    return true;
  }
  [[nodiscard]] std::string access_token() {
    const Asker asker(keeper->access_token());
    return eventually([&] { return asker.result.has_value(); }) ? shown(*asker.result) : "no answer";
  }
  [[nodiscard]] bool journal_becomes_empty() {
    return eventually([&] { return journal().empty(); });
  }
  // Lets the refresh that is due begin, and waits for it to arrive at the server.
  [[nodiscard]] bool asked(std::size_t times) {
    return eventually([&] { return server.requests.size() == times; });
  }
  // What a courier would have written for a refresh with `sent`.
  void write_journal(std::string_view sent, const std::string& body, std::string_view key) {
    courier::KeptAnswer kept;
    kept.sent_digest = store::keyed_digest(Secret(key), Secret(sent)).value();
    kept.asked_at = world.now().time_since_epoch().count();
    kept.answer.status = 200;
    kept.answer.body = Secret(body);
    store::JournalEntry entry;
    entry.id = 1;
    entry.token_id = kTokenId;
    entry.sealed = courier::seal_answer(courier::make_sealer(Secret(key)).value(), kTokenId, kept).value();
    auto file = store::ReplyJournal::open_blocking(world.directory / "courier.journal").value();
    ASSERT_TRUE(file.append_blocking(entry));
  }

  const std::string key_ = std::string(32, 'k');
  std::unique_ptr<courier::Courier> courier_;
  std::vector<std::unique_ptr<courier::Service>> services_;
  std::size_t finished_ = 0; // couriers

 private:
  // On the store thread.
  [[nodiscard]] Result<courier::Spawned> spawn(int journal) {
    std::array<int, 2> pair{};
    EXPECT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()));
    world.loop.post([this, socket = pair[1], file = ::dup(journal)] {
      store::ReplyJournal own(UniqueFd(file), "courier.journal");
      services_.push_back(std::make_unique<courier::Service>(world.loop, world.files_pool, world.http, UniqueFd(socket),
                                                             std::move(own)));
      services_.back()->start([this] { ++finished_; });
    });
    courier::Spawned spawned;
    spawned.socket = UniqueFd(pair[0]);
    return spawned;
  }
};

TEST_F(TokenCourierTest, Refresh_IsStoredAndLeavesTheJournalEmpty) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  store_token("A1", "R1", world.now() - 2h);
  restart();
  EXPECT_EQ("A2", access_token());
  EXPECT_EQ("R2", stored_refresh_token());
  EXPECT_EQ(1U, server.requests.size());
  EXPECT_THAT(server.requests[0].body, HasSubstr("refresh_token=R1"));
  EXPECT_TRUE(journal_becomes_empty());
}

TEST_F(TokenCourierTest, DaemonDiesWhileTheServerAnswers_NextOneHasTheNewToken) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  restart();
  std::optional<Asker> asker(std::in_place, keeper->access_token());
  ASSERT_TRUE(asked(1));
  asker.reset();
  die();
  server.release();
  ASSERT_TRUE(eventually([&] { return finished_ == 1; }));
  EXPECT_FALSE(journal().empty());
  EXPECT_EQ("R1", stored_refresh_token());
  kill_couriers();
  restart();
  EXPECT_EQ("A2", access_token());
  EXPECT_EQ("R2", stored_refresh_token());
  EXPECT_EQ(1U, server.requests.size()) << "the used refresh token was sent again";
  EXPECT_TRUE(journal_becomes_empty());
}

TEST_F(TokenCourierTest, NextDaemon_WaitsForTheCourierOfTheOneBefore) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  restart();
  std::optional<Asker> asker(std::in_place, keeper->access_token());
  ASSERT_TRUE(asked(1));
  asker.reset();
  restart(); // the courier is still at it
  const Asker again(keeper->access_token());
  for (int i = 0; i < 30; ++i)
    world.pass(100ms);
  EXPECT_EQ(1U, server.requests.size());
  EXPECT_EQ(1U, services_.size()) << "a second courier beside the first";
  server.release();
  ASSERT_TRUE(eventually([&] { return finished_ == 1; }));
  services_.clear(); // it has ended: its lock is gone
  ASSERT_TRUE(eventually([&] { return again.result.has_value(); }, 100ms));
  EXPECT_EQ("A2", shown(*again.result));
  EXPECT_EQ(1U, server.requests.size());
}

TEST_F(TokenCourierTest, SignInMeanwhile_IsNotOverwrittenByTheJournal) {
  store_token("A1", "S1", world.now());
  write_journal("R1", grant_json("A2", "R2"), key_);
  restart();
  EXPECT_TRUE(journal_becomes_empty());
  EXPECT_EQ("S1", stored_refresh_token());
  EXPECT_EQ("A1", access_token());
}

TEST_F(TokenCourierTest, TokenLoadedBeforeTheAdoption_IsNotUsedAgain) {
  store_token("A1", "R1", world.now() - 2h);
  write_journal("R1", grant_json("A2", "R2"), key_);
  restart(); // the keeper loads before the courier has begun
  EXPECT_EQ("A2", access_token());
  EXPECT_TRUE(server.requests.empty());
  EXPECT_EQ("R2", stored_refresh_token());
}

TEST_F(TokenCourierTest, JournalOfAnotherKey_IsSetAside) {
  store_token("A1", "R1", world.now());
  write_journal("R1", grant_json("A2", "R2"), std::string(32, 'x'));
  restart();
  EXPECT_TRUE(journal_becomes_empty());
  EXPECT_EQ("R1", stored_refresh_token());
  EXPECT_TRUE(std::filesystem::exists(world.directory / "courier.journal.set-aside"));
}

TEST_F(TokenCourierTest, TornTail_IsCutOffWithoutAWord) {
  store_token("A1", "R1", world.now() - 2h);
  write_journal("R1", grant_json("A2", "R2"), key_);
  std::ofstream(world.directory / "courier.journal", std::ios::binary | std::ios::app) << "MMj1 and no more";
  restart();
  EXPECT_EQ("A2", access_token());
  EXPECT_FALSE(std::filesystem::exists(world.directory / "courier.journal.set-aside"));
}

TEST_F(TokenCourierTest, CourierDies_RequestIsTriedAgainByAnother) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  restart();
  const Asker asker(keeper->access_token());
  ASSERT_TRUE(asked(1));
  kill_couriers(); // nothing was journalled
  ASSERT_TRUE(eventually([&] { return asker.result.has_value(); }, 100ms));
  EXPECT_EQ("courier_lost", shown(*asker.result));
  server.release();
  ASSERT_TRUE(eventually([&] { return stored_refresh_token() == "R2"; }, 1s));
}

TEST_F(TokenCourierTest, CourierDiesAfterTheAnswerWasKept_ItIsAdopted) {
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  restart();
  const Asker asker(keeper->access_token());
  ASSERT_TRUE(asked(1));
  write_journal("R1", grant_json("A2", "R2"), key_); // and dies before it says so
  kill_couriers();
  ASSERT_TRUE(eventually([&] { return asker.result.has_value(); }, 100ms));
  EXPECT_EQ("A2", shown(*asker.result));
  EXPECT_EQ("R2", stored_refresh_token());
  EXPECT_EQ(1U, server.requests.size());
}

TEST_F(TokenCourierTest, KeeperGoesBeforeTheAnswer_ItIsStoredAllTheSame) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  restart();
  std::optional<Asker> asker(std::in_place, keeper->access_token());
  ASSERT_TRUE(asked(1));
  asker.reset();
  keeper.reset();
  server.release();
  ASSERT_TRUE(eventually([&] { return stored_refresh_token() == "R2"; }));
  EXPECT_TRUE(journal_becomes_empty());
}

TEST_F(TokenCourierTest, LogoutBeforeTheAnswer_StaysALogout) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2")); };
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  restart();
  const Asker asker(keeper->access_token());
  ASSERT_TRUE(asked(1));
  EXPECT_TRUE(world.finish(keeper->forget()));
  server.release();
  ASSERT_TRUE(eventually([&] { return !keeper->is_refreshing(); }));
  EXPECT_TRUE(journal_becomes_empty());
  EXPECT_EQ("none", stored_refresh_token());
}

TEST_F(TokenCourierTest, Hold_WaitsForWhatIsUnderWayAndLetsNothingBegin) {
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A2", "R2", 60)); };
  server.hold();
  store_token("A1", "R1", world.now() - 2h);
  restart();
  const Asker asker(keeper->access_token());
  ASSERT_TRUE(asked(1));
  std::optional<Status> held;
  runtime::TaskRunner<Status> holding;
  holding.start(courier_->hold(), [&held](Status status) { held.emplace(std::move(status)); });
  world.run_ready();
  EXPECT_FALSE(held);
  server.release();
  ASSERT_TRUE(eventually([&] { return held.has_value(); }));
  EXPECT_TRUE(*held);
  EXPECT_EQ("R2", stored_refresh_token());
  server.answer = [](const auto&) { return HttpServer::json(200, grant_json("A3", "R3")); };
  world.pass(50s);
  EXPECT_EQ(1U, server.requests.size());
  courier_->release(Secret(std::string(32, 'n')));
  ASSERT_TRUE(eventually([&] { return stored_refresh_token() == "R3"; }));
}

TEST_F(TokenCourierTest, CourierCannotBeStarted_RefreshTokenIsKeptAndTheLogSaysWhy) {
  store_token("A1", "R1", world.now() - 2h);
  ASSERT_TRUE(std::filesystem::create_directory(world.directory / "courier.journal"));
  restart();
  const Asker asker(keeper->access_token());
  ASSERT_TRUE(eventually([&] { return asker.result.has_value(); }, 5s));
  EXPECT_EQ("courier_journal_unusable", shown(*asker.result));
  EXPECT_TRUE(server.requests.empty());
  ASSERT_FALSE(world.logged.empty());
  EXPECT_THAT(world.logged[0].message, HasSubstr("courier.journal: Is a directory"));
}

} // namespace
} // namespace mailmoor::mailbox
