// A mailbox and the life of its token.
#include "mailbox/mailbox_world.h"
#include "mailbox/token_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kExpired = "* BYE Session invalidated - AccessTokenExpired\r\n";

class MailboxTokenTest : public MailboxWorld {
 protected:
  MailboxTokenTest() {
    OauthClientSettings made;
    made.registration.app_name = "app";
    made.registration.client_id = "client";
    made.registration.endpoints.token = http.url("/token");
    client = std::make_unique<OauthClient>(world.services, std::move(made));
    keeper = std::make_unique<TokenKeeper>(world.services, *client, "app/alice@example.com", "alice");
    http.answer = [this](const auto&) {
      ++issued;
      return HttpServer::json(200, grant_json(concat("A", issued), concat("R", issued)));
    };
  }
  ~MailboxTokenTest() override { mailbox.reset(); }
  void start_with_token() {
    store::StoredToken token;
    token.access_token = Secret("A0");
    token.refresh_token = Secret("R0");
    token.obtained_at = world.now();
    token.expires_at = world.now() + 1h;
    ASSERT_TRUE(world.vault.save_token_blocking("app/alice@example.com", token));
    keeper->start();
    start(keeper.get());
    ASSERT_TRUE(idles());
    ASSERT_EQ(1, server.connections);
  }
  // `once`, with a token of that age which lives for an hour; nothing has been said yet.
  void begin_once(std::chrono::minutes age) {
    store::StoredToken token;
    token.access_token = Secret("A0");
    token.refresh_token = Secret("R0");
    token.obtained_at = world.now() - age;
    token.expires_at = token.obtained_at + 1h;
    ASSERT_TRUE(world.vault.save_token_blocking("app/alice@example.com", token));
    mailbox.reset();
    keeper = std::make_unique<TokenKeeper>(world.services, *client, "app/alice@example.com", "alice");
    keeper->start();
    settings.once = true;
    start(keeper.get());
  }
  // Time goes by in pieces, as it does.
  [[nodiscard]] bool live_through(runtime::Duration time) {
    for (runtime::Duration gone{}; gone < time; gone += 1min) {
      world.clock.advance(1min);
      world.run_ready();
      if (!idles()) return false;
    }
    return true;
  }
  HttpServer http{world.loop};
  int issued = 0;
  std::unique_ptr<OauthClient> client;
  std::unique_ptr<TokenKeeper> keeper;
};

TEST_F(MailboxTokenTest, TokenEnds_IsAPlannedReconnectAndNoFault) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  ASSERT_TRUE(live_through(54min));
  EXPECT_EQ(1, server.connections);
  ASSERT_TRUE(live_through(2min));
  EXPECT_EQ(2, server.connections);
  EXPECT_EQ(1U, server.asked("LOGOUT"));
  EXPECT_GE(http.requests.size(), 1U);
  EXPECT_TRUE(world.logged.empty());
  EXPECT_FALSE(mailbox->last_error());
}

TEST_F(MailboxTokenTest, ManyTokens_CostOneLoginEach) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  ASSERT_TRUE(live_through(8h));
  EXPECT_LE(server.connections, 16);
  EXPECT_GE(server.connections, 8);
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(MailboxTokenTest, CutInIdleBecauseTheTokenEnded_IsNoFault) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  world.pass(1min);
  ASSERT_TRUE(idles());
  server.tell(std::string(kExpired));
  ASSERT_TRUE(world.until([&] { return server.connections == 2; }));
  ASSERT_TRUE(idles());
  EXPECT_TRUE(world.logged.empty());
  EXPECT_FALSE(mailbox->last_error());
}

TEST_F(MailboxTokenTest, TokenCalledExpiredRightAfterTheLogin_IsReplacedAtOnce) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  server.tell(std::string(kExpired));
  ASSERT_TRUE(world.until([&] { return server.connections == 2; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, http.requests.size()) << "the old one is not tried again, however long it was to last";
  EXPECT_TRUE(world.logged.empty());
  EXPECT_FALSE(mailbox->last_error());
}

TEST_F(MailboxTokenTest, EachNewTokenCalledExpired_IsBackedOffFrom) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.contains("LIST")) return {};
    return concat(kExpired, "%close");
  };
  server.tell(std::string(kExpired));
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  EXPECT_EQ(2, server.connections);
  EXPECT_EQ(1U, http.requests.size());
  server.answer = [](const std::string&) -> std::optional<std::string> { return {}; };
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  ASSERT_TRUE(idles());
  EXPECT_EQ(3, server.connections);
}

TEST_F(MailboxTokenTest, CutBetweenTwoMessagesBecauseTheTokenEnded_LosesNothingAndIsNoFault) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  world.pass(1min);
  ASSERT_TRUE(idles());
  for (int i = 0; i < 3; ++i)
    server.folders["INBOX"].deliver(message("new"));
  server.answer = [&, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (!command.contains("BODY.PEEK") || !std::exchange(first, false)) return {};
    const std::string body = message("new");
    return concat("* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"14-Nov-2023 22:13:20 +0000\" BODY[] {", body.size(),
                  "}\r\n", body, ")\r\n", kExpired, "%close");
  };
  server.tell("* 3 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == 3; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(2, server.connections);
  EXPECT_TRUE(world.logged.empty());
  EXPECT_TRUE(mailbox->folders().at("INBOX").recorded.retries.empty());
}

TEST_F(MailboxTokenTest, CutInTheMiddleOfAMessage_LosesNothing) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  world.pass(1min);
  ASSERT_TRUE(idles());
  for (int i = 0; i < 3; ++i)
    server.folders["INBOX"].deliver(message("new"));
  server.answer = [&, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (!command.contains("BODY.PEEK") || !std::exchange(first, false)) return {};
    return concat("* 1 FETCH (UID 1 FLAGS () BODY[] {5000}\r\nSubject: half", kExpired, "%close");
  };
  server.tell("* 3 EXISTS\r\n");
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  world.run_ready();
  EXPECT_TRUE(disk.files("/mail/alice/tmp").empty());
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  ASSERT_TRUE(world.until([&] { return delivered() == 3; }));
  ASSERT_TRUE(idles());
}

TEST_F(MailboxTokenTest, TokenThatEndsInTheMiddleOfAPass_TheRestComesWithTheNext) {
  settings.poll = 24h; // nothing else looks after it
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  ASSERT_TRUE(live_through(50min));
  for (int i = 0; i < 250; ++i)
    server.folders["INBOX"].deliver(message("new"));
  server.answer = [&, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command.contains("BODY.PEEK") && std::exchange(first, false)) world.clock.advance(7min);
    return {};
  };
  server.tell("* 250 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == 250; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(2, server.connections);
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(MailboxTokenTest, Once_TokenEndsInTheMiddleOfThePass_GoesOnWithTheNextOne) {
  for (const bool server_says_so : {false, true}) {
    settings.maildir = server_says_so ? "/mail/second" : "/mail/first";
    settings.name = server_says_so ? "second" : "first";
    ASSERT_NO_FATAL_FAILURE(begin_once(50min));
    const int before = server.connections;
    server.folders["INBOX"] = {};
    for (int i = 0; i < 250; ++i)
      server.folders["INBOX"].deliver(message("new"));
    server.answer = [&, first = true](const std::string& command) mutable -> std::optional<std::string> {
      if (!command.contains("BODY.PEEK") || !std::exchange(first, false)) return {};
      if (server_says_so) return concat(kExpired, "%close");
      world.clock.advance(7min);
      return {};
    };
    ASSERT_TRUE(world.until([&] {
      if (server.open_connections() == 0) world.clock.advance(10ms); // the token endpoint's pace
      return mailbox->finished().is_set();
    }));
    EXPECT_EQ(250U, disk.files(settings.maildir + "/new").size());
    EXPECT_EQ(before + 2, server.connections);
    EXPECT_FALSE(mailbox->last_error());
    EXPECT_TRUE(mailbox->view().last_sync);
  }
}

TEST_F(MailboxTokenTest, Once_TokensThatAreTooShortForAPass_EndsAllTheSame) {
  ASSERT_NO_FATAL_FAILURE(begin_once(50min));
  server.answer = [this](const std::string& command) -> std::optional<std::string> {
    if (command.contains("LIST")) world.clock.advance(2h);
    return {};
  };
  ASSERT_TRUE(world.until([&] {
    world.clock.advance(10ms); // the token endpoint's pace
    return mailbox->finished().is_set();
  }));
  EXPECT_LE(server.connections, 4);
  EXPECT_FALSE(mailbox->view().last_sync);
}

TEST_F(MailboxTokenTest, RevokedToken_IsReplacedOnceAndTheLoginTriedAgain) {
  server.answer = [refusals = 1](const std::string& command) mutable -> std::optional<std::string> {
    if (command.starts_with("AUTHENTICATE") && refusals-- > 0) return "%t NO AUTHENTICATE failed.\r\n";
    return {};
  };
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  EXPECT_EQ(1U, http.requests.size());
  EXPECT_EQ(2U, server.asked("AUTHENTICATE"));
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(MailboxTokenTest, TokenThatIsRefusedAgain_MakesNoStorm) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("AUTHENTICATE")) return "%t NO AUTHENTICATE failed.\r\n";
    return {};
  };
  store::StoredToken token;
  token.access_token = Secret("A0");
  token.refresh_token = Secret("R0");
  token.obtained_at = world.now();
  token.expires_at = world.now() + 1h;
  ASSERT_TRUE(world.vault.save_token_blocking("app/alice@example.com", token));
  keeper->start();
  start(keeper.get());
  ASSERT_TRUE(world.until([&] { return mailbox->last_error().has_value(); }));
  EXPECT_EQ("auth_rejected", mailbox->last_error()->code);
  for (int i = 0; i < 120; ++i)
    world.pass(30s);
  // One hour on the ladder of 1, 5, 15 and 60 minutes, two tries each.
  EXPECT_LE(server.asked("AUTHENTICATE"), 10U);
  EXPECT_LE(http.requests.size(), 6U);
}

TEST_F(MailboxTokenTest, NoToken_NeedsALoginAndDoesNotDial) {
  keeper->start();
  start(keeper.get());
  ASSERT_TRUE(becomes(MailboxState::kNeedsLogin));
  EXPECT_THAT(mailbox->view().remedy, ::testing::HasSubstr("mailmoorctl login alice"));
  EXPECT_EQ(0, server.connections);
  ASSERT_TRUE(world.finish(keeper->adopt_sign_in(grant("A9", "R9"), world.now())));
  ASSERT_TRUE(idles());
  EXPECT_EQ(1, server.connections);
}

TEST_F(MailboxTokenTest, PausedMailbox_ItsTokenIsKeptAlive) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  mailbox->pause();
  ASSERT_TRUE(becomes(MailboxState::kPaused));
  for (int hour = 0; hour < 24 * 3; ++hour) {
    world.pass(1h);
    ASSERT_TRUE(world.until([&] { return !keeper->is_refreshing(); }));
  }
  EXPECT_GE(http.requests.size(), 3U);
  EXPECT_EQ(1, server.connections);
  EXPECT_EQ(MailboxState::kPaused, mailbox->view().state);
}

TEST_F(MailboxTokenTest, MailboxInBackOff_ItsTokenIsKeptAlive) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("AUTHENTICATE")) return "%t NO AUTHENTICATE failed.\r\n";
    return {};
  };
  server.tell(std::string(kExpired));
  // Two refreshes, one after the other: the endpoint's pace keeps them apart.
  ASSERT_TRUE(world.until([&] {
    world.clock.advance(10ms);
    return mailbox->last_error().has_value();
  }));
  const std::size_t before = http.requests.size();
  for (int hour = 0; hour < 24 * 3; ++hour) {
    world.pass(1h);
    ASSERT_TRUE(world.until([&] { return !keeper->is_refreshing(); }));
  }
  EXPECT_GE(http.requests.size(), before + 3);
}

// The refusal told the mailbox to wait for an hour; the token came by itself before that.
TEST_F(MailboxTokenTest, TokenThatComesByItself_EndsTheWait) {
  store::StoredToken token;
  token.access_token = Secret("A0");
  token.refresh_token = Secret("R0");
  token.obtained_at = world.now() - 2h;
  token.expires_at = world.now() - 1h;
  ASSERT_TRUE(world.vault.save_token_blocking("app/alice@example.com", token));
  http.answer = [](const auto&) { return HttpServer::json(400, R"({"error":"invalid_grant","error_codes":[53003]})"); };
  keeper->start();
  start(keeper.get());
  ASSERT_TRUE(becomes(MailboxState::kFailed));
  http.answer = [](const auto&) { return HttpServer::json(200, grant_json("A9", "R9")); };
  for (int i = 0; i < 16 && keeper->trouble(); ++i) {
    world.pass(5min);
    ASSERT_TRUE(world.until([&] { return !keeper->is_refreshing(); }));
  }
  EXPECT_FALSE(keeper->trouble());
  ASSERT_TRUE(idles());
}

TEST_F(MailboxTokenTest, LoggedOut_ClosesTheSession) {
  ASSERT_NO_FATAL_FAILURE(start_with_token());
  ASSERT_TRUE(world.finish(keeper->forget()));
  mailbox->sign_out();
  ASSERT_TRUE(becomes(MailboxState::kNeedsLogin));
  EXPECT_TRUE(world.until([&] { return server.open_connections() == 0; }));
}

} // namespace
} // namespace mailmoor::mailbox
