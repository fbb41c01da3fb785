#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class MailboxTest : public MailboxWorld {};

TEST_F(MailboxTest, FirstSync_BringsEverythingAndListens) {
  server.folders["INBOX"].deliver(message("one"));
  server.folders["INBOX"].deliver(message("two"));
  server.folders["Sent"].deliver(message("three"));
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(2U, delivered());
  EXPECT_EQ(1U, delivered(".Sent"));
  EXPECT_EQ(3U, mailbox->view().messages);
  EXPECT_EQ(0U, mailbox->view().behind);
  EXPECT_EQ(world.now(), mailbox->view().last_sync);
  EXPECT_EQ(1, server.connections);
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(MailboxTest, NothingIsEverSentThatChangesTheServer) {
  server.folders["INBOX"].deliver(message("one"));
  start();
  ASSERT_TRUE(idles());
  mailbox->stop();
  ASSERT_TRUE(world.until([&] { return mailbox->finished().is_set(); }));
  for (const std::string& command : server.commands)
    EXPECT_THAT(command, ::testing::AnyOf(StartsWith("CAPABILITY"), StartsWith("ID "), StartsWith("AUTHENTICATE"),
                                          StartsWith("LIST"), StartsWith("EXAMINE"), StartsWith("UID FETCH"),
                                          StartsWith("IDLE"), StartsWith("LOGOUT")));
  EXPECT_THAT(server.commands, Contains("LOGOUT"));
}

TEST_F(MailboxTest, Introduction_CostsNoRoundTripAndIsNoConditionOfAnything) {
  server.folders["INBOX"].deliver(message("one"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("ID ")) return "%t BAD unknown command\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, delivered());
  EXPECT_EQ(1, server.connections);
  ASSERT_EQ(1U, server.asked("ID "));
  for (const auto& [command, behind] : server.waiting) {
    if (command.starts_with("ID ")) {
      EXPECT_THAT(behind, HasSubstr("LIST"));
    }
  }
}

TEST_F(MailboxTest, NewMail_ComesAtOnceThroughIdle) {
  start();
  ASSERT_TRUE(idles());
  server.folders["INBOX"].deliver(message("new"));
  server.tell("* 1 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == 1; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(1, server.connections);
  EXPECT_EQ(1U, server.asked("LIST")) << "news of INBOX are no reason to look at everything";
}

TEST_F(MailboxTest, MailThatCameBetweenPassAndIdle_IsNotMissed) {
  server.answer = [&, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command == "EXAMINE \"INBOX\"" && server.asked("EXAMINE \"INBOX\"") == 2 && std::exchange(first, false))
      server.folders["INBOX"].deliver(message("in between"));
    return {};
  };
  start();
  ASSERT_TRUE(world.until([&] { return delivered() == 1; }));
}

TEST_F(MailboxTest, Poll_LooksAtEveryFolder) {
  server.folders["Sent"] = {};
  start();
  ASSERT_TRUE(idles());
  server.folders["Sent"].deliver(message("by another client"));
  world.clock.advance(6min);
  ASSERT_TRUE(world.until([&] { return delivered(".Sent") == 1; }));
  EXPECT_EQ(1, server.connections);
}

TEST_F(MailboxTest, Restart_FetchesNoBodyTwice) {
  server.folders["INBOX"].deliver(message("one"));
  server.folders["Sent"].deliver(message("two"));
  start();
  ASSERT_TRUE(idles());
  server.commands.clear();
  start();
  ASSERT_TRUE(idles());
  for (const std::string& command : server.commands)
    EXPECT_THAT(command, Not(HasSubstr("BODY")));
  EXPECT_EQ(2U, mailbox->view().messages);
}

TEST_F(MailboxTest, OneFolderRefused_TheOthersAreSynced) {
  server.folders["Broken"].deliver(message("one"));
  server.folders["Sent"].deliver(message("two"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command == "EXAMINE \"Broken\"") return "%t NO Server Unavailable. 15\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, delivered(".Sent"));
  EXPECT_EQ(0U, delivered(".Broken"));
  EXPECT_FALSE(mailbox->last_error());
  EXPECT_FALSE(mailbox->view().last_sync) << "the pass was not complete";
  ASSERT_EQ(1U, world.logged.size());
  EXPECT_EQ("Broken", world.logged[0].folder);
}

TEST_F(MailboxTest, InboxRefused_TheOthersAreSyncedAndNoLoginStormComes) {
  server.folders["Sent"].deliver(message("two"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command == "EXAMINE \"INBOX\"") return "%t NO Server Unavailable. 15\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(idles());
  world.pass(1min);
  EXPECT_EQ(1U, delivered(".Sent"));
  EXPECT_EQ(1, server.connections);
  EXPECT_EQ(MailboxState::kIdle, mailbox->view().state);
}

TEST_F(MailboxTest, UidWithoutABody_IsPutAsideAndThePassIsComplete) {
  server.folders["INBOX"].deliver(message("one"));
  server.folders["INBOX"].withheld.insert(server.folders["INBOX"].deliver(message("two")));
  server.folders["INBOX"].deliver(message("three"));
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(2U, delivered());
  EXPECT_EQ(0U, mailbox->view().behind);
  EXPECT_TRUE(mailbox->view().last_sync);
  const auto& retries = mailbox->folders().at("INBOX").recorded.retries;
  ASSERT_EQ(1U, retries.size());
  EXPECT_EQ(2U, retries[0].uid.value());
  EXPECT_GT(retries[0].next_try, world.now());
  // It comes later.
  server.folders["INBOX"].withheld.clear();
  world.clock.advance(retries[0].next_try - world.now() + 6min);
  ASSERT_TRUE(world.until([&] { return delivered() == 3; }));
}

TEST_F(MailboxTest, WrongPassword_NeedsSomeone) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("AUTHENTICATE")) return "%t NO [AUTHENTICATIONFAILED] Authentication failed.\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(becomes(MailboxState::kNeedsLogin));
  EXPECT_EQ("password_rejected", mailbox->last_error()->code);
  EXPECT_EQ(1U, world.logged.size());
  EXPECT_GE(*mailbox->view().retry_at, world.now() + 30s);
}

TEST_F(MailboxTest, CertificateOfAStranger_IsRefusedBeforeALogin) {
  settings.connection.trust = net::Trust::load_blocking("").value();
  start();
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  EXPECT_EQ("tls_untrusted", mailbox->last_error()->code);
  EXPECT_TRUE(server.commands.empty());
}

TEST_F(MailboxTest, ServerThatIsDown_IsTriedOnTheLadder) {
  server.greeting = "* BYE too busy\r\n";
  start();
  for (int tries = 1; tries <= 12; ++tries) {
    ASSERT_TRUE(world.until([&] { return server.connections == tries && mailbox->view().retry_at; }));
    const auto wait = *mailbox->view().retry_at - world.now();
    EXPECT_LE(wait, 15min + 1s);
    if (tries > 8) {
      EXPECT_GE(wait, 7min);
    }
    ASSERT_NO_FATAL_FAILURE(pass_retry());
  }
  EXPECT_EQ(1U, world.logged.size()) << "a fault that lasts is logged once";
}

TEST_F(MailboxTest, Recovery_IsToldOnce) {
  server.greeting = "* BYE too busy\r\n";
  start();
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  server.greeting = "* OK ready\r\n";
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  ASSERT_TRUE(idles());
  ASSERT_EQ(2U, world.logged.size());
  EXPECT_THAT(world.logged[1].message, HasSubstr("over after"));
  EXPECT_FALSE(mailbox->view().retry_at);
}

TEST_F(MailboxTest, OperatorsSync_BringsNewsAndIsTold) {
  start();
  ASSERT_TRUE(idles());
  server.folders["Sent"].deliver(message("two"));
  std::optional<Status> told;
  static_cast<void>(mailbox->sync_now([&told](Status status) { told.emplace(std::move(status)); }));
  ASSERT_TRUE(world.until([&] { return told.has_value(); }));
  EXPECT_TRUE(*told);
  EXPECT_EQ(1U, delivered(".Sent"));
}

TEST_F(MailboxTest, PausedByTheOperator_LeavesAndComesBack) {
  start();
  ASSERT_TRUE(idles());
  mailbox->pause();
  ASSERT_TRUE(becomes(MailboxState::kPaused));
  ASSERT_TRUE(world.until([&] { return server.open_connections() == 0; }));
  world.run_ready();
  start();
  ASSERT_TRUE(becomes(MailboxState::kPaused)) << "a restart does not forget it";
  EXPECT_EQ(1, server.connections);
  mailbox->resume();
  ASSERT_TRUE(idles());
}

TEST_F(MailboxTest, Once_EndsAfterOneCompletePass) {
  server.folders["INBOX"].deliver(message("one"));
  settings.once = true;
  start();
  ASSERT_TRUE(world.until([&] { return mailbox->finished().is_set(); }));
  EXPECT_EQ(1U, delivered());
  EXPECT_FALSE(mailbox->last_error());
  EXPECT_EQ(0U, server.asked("IDLE"));
}

TEST_F(MailboxTest, Once_SaysGoodByeAndWaitsForNoAnswer) {
  settings.once = true;
  leave_unanswered("LOGOUT");
  start();
  ASSERT_TRUE(world.until([&] { return mailbox->finished().is_set(); })) << "no time has passed";
  EXPECT_FALSE(mailbox->last_error());
  EXPECT_TRUE(world.until([&] { return server.asked("LOGOUT") == 1; }));
  EXPECT_TRUE(world.until([&] { return server.open_connections() == 0; }));
}

// A server that counts connections is to have this one no more when the next one comes.
TEST_F(MailboxTest, Once_WhereOthersWaitForAConnection_WaitsForTheAnswerToItsGoodBye) {
  settings.once = true;
  settings.is_wanted_elsewhere = [] { return true; };
  leave_unanswered("LOGOUT");
  start();
  ASSERT_TRUE(world.until([&] { return server.asked("LOGOUT") == 1; }));
  world.run_ready();
  EXPECT_FALSE(mailbox->finished().is_set());
  world.clock.advance(std::chrono::seconds(2));
  EXPECT_TRUE(world.until([&] { return mailbox->finished().is_set(); }));
}

TEST_F(MailboxTest, DestroyedAtAnyMoment_LeavesNothingBehind) {
  for (int i = 0; i < 20; ++i)
    server.folders["INBOX"].deliver(concat("Subject: x\r\n\r\n", std::string(50'000, 'x')));
  for (std::size_t commands = 1; commands < 12; ++commands) {
    const std::size_t before = server.commands.size();
    start();
    ASSERT_TRUE(world.until([&] { return server.commands.size() >= before + commands || server.is_idling(); }));
    mailbox.reset();
    ASSERT_TRUE(world.until([&] { return server.open_connections() == 0; }));
    world.run_ready();
    EXPECT_TRUE(disk.files("/mail/alice/tmp").empty());
  }
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(20U, delivered());
}

} // namespace
} // namespace mailmoor::mailbox
