// P9 for the mail server: no connection inside a pause that it imposed, whoever asks, a restart included.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

constexpr auto kImposed = 299961ms;
constexpr std::string_view kThrottledWords = "Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n";

class MailboxPauseTest : public MailboxWorld, public ::testing::WithParamInterface<std::string_view> {
 protected:
  // Meets the pause at the first command that begins so.
  void be_throttled(std::string_view command_start, std::string_view reply = "%t BAD ", std::string_view then = "") {
    server.folders["INBOX"].deliver(message("one"));
    server.answer = [this, command_start, reply, then,
                     first = true](const std::string& command) mutable -> std::optional<std::string> {
      if (!command.starts_with(command_start) || !std::exchange(first, false)) return {};
      said_at_ = world.loop.now();
      return concat(reply, kThrottledWords, reply.starts_with("*") ? "%close" : then);
    };
    start();
    ASSERT_TRUE(becomes(MailboxState::kThrottled));
    ASSERT_EQ(1, server.connections);
  }
  // To so long after the server said it. The clock of this world moves a little by itself.
  void move_to(runtime::Duration after) { world.clock.advance(said_at_ + after - world.loop.now()); }
  // Whether the mailbox has stayed away so far.
  [[nodiscard]] bool is_away() {
    world.run_ready();
    return server.connections == 1 && mailbox->view().state == MailboxState::kThrottled;
  }

 private:
  runtime::MonoTime said_at_{};
};

TEST_P(MailboxPauseTest, WhereverItComes_IsKept) {
  ASSERT_NO_FATAL_FAILURE(be_throttled(GetParam()));
  const runtime::MonoTime began = world.loop.now();
  EXPECT_EQ("throttled", mailbox->last_error()->code);
  world.clock.advance(kImposed - 10ms);
  EXPECT_TRUE(is_away());
  EXPECT_LE(world.loop.now(), began + kImposed);
  world.clock.advance(30ms);
  ASSERT_TRUE(idles());
  EXPECT_EQ(2, server.connections);
  EXPECT_EQ(1U, delivered());
  EXPECT_EQ(2U, world.logged.size()) << "when it began, and when it was over";
}
INSTANTIATE_TEST_SUITE_P(Commands, MailboxPauseTest,
                         ::testing::Values("AUTHENTICATE", "LIST", "EXAMINE", "UID FETCH 1:4294967295", "UID FETCH 1 ",
                                           "IDLE"));

TEST_F(MailboxPauseTest, InAGoodBye_IsKept) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST", "* BYE "));
  world.clock.advance(kImposed - 100ms);
  EXPECT_TRUE(is_away());
  world.clock.advance(200ms);
  ASSERT_TRUE(idles());
}

TEST_F(MailboxPauseTest, OperatorsSync_IsNoWayAround) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  static_cast<void>(mailbox->sync_now([](const Status&) {}));
  mailbox->credentials_changed();
  mailbox->pause();
  world.run_ready();
  mailbox->resume();
  world.clock.advance(kImposed - 100ms);
  world.run_ready();
  EXPECT_EQ(1, server.connections);
}

TEST_F(MailboxPauseTest, Restart_IsNoWayAround) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  world.clock.advance(100s);
  start();
  EXPECT_TRUE(becomes(MailboxState::kThrottled));
  EXPECT_TRUE(is_away());
  EXPECT_THAT(mailbox->view().reason, ::testing::HasSubstr("throttled"));
  world.clock.advance(kImposed - 100s - 100ms);
  EXPECT_TRUE(is_away());
  world.clock.advance(200ms);
  ASSERT_TRUE(idles());
}

TEST_F(MailboxPauseTest, Once_ReportsItAndSendsNothing) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  const auto until = mailbox->view().retry_at;
  settings.once = true;
  start();
  ASSERT_TRUE(world.until([&] { return mailbox->finished().is_set(); }));
  EXPECT_EQ(1, server.connections);
  EXPECT_EQ("throttled", mailbox->last_error()->code);
  EXPECT_EQ(until, mailbox->view().retry_at) << "asking does not make it longer";
}

TEST_F(MailboxPauseTest, ToTheMillisecond_NothingIsSentBefore) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  move_to(kImposed);
  world.loop.run_ready(); // without more, as that could move the clock
  EXPECT_EQ(MailboxState::kThrottled, mailbox->view().state);
  move_to(kImposed + 50ms);
  world.loop.run_ready();
  EXPECT_EQ(MailboxState::kConnecting, mailbox->view().state);
  ASSERT_TRUE(idles());
}

TEST_F(MailboxPauseTest, RestartRightBeforeItEnds_IsNoWayAround) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  world.run_ready(); // it is recorded
  move_to(kImposed - 20ms);
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  move_to(kImposed);
  world.loop.run_ready();
  EXPECT_EQ(MailboxState::kThrottled, mailbox->view().state);
  EXPECT_EQ(1, server.connections);
  move_to(kImposed + 50ms);
  ASSERT_TRUE(idles());
}

TEST_F(MailboxPauseTest, ClockThatIsSetForward_DoesNotShortenIt) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  world.clock.jump_wall(1h);
  world.clock.advance(kImposed - 100ms);
  EXPECT_TRUE(is_away());
  world.clock.advance(200ms);
  ASSERT_TRUE(idles());
}

TEST_F(MailboxPauseTest, ClockThatIsSetBack_DoesNotMakeItLonger) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  world.clock.jump_wall(-1h);
  world.clock.advance(kImposed + 100ms);
  ASSERT_TRUE(idles());
}

// The server hangs up after the answer; its last word names no time.
TEST_F(MailboxPauseTest, ByeAfterTheThrottledAnswer_LeavesItsWait) {
  for (const std::string_view command : {"UID FETCH 1 ", "LIST", "ENABLE"}) {
    SCOPED_TRACE(command);
    server.capabilities = "IMAP4rev1 SASL-IR AUTH=PLAIN IDLE ID ENABLE CONDSTORE QRESYNC";
    settings.wants.flags = true;
    settings.name = concat("alice", command.size());
    settings.maildir = concat("/mail/", settings.name);
    server.connections = 0;
    ASSERT_NO_FATAL_FAILURE(be_throttled(command, "%t BAD ", "* BYE Connection closed. 14\r\n%close"));
    EXPECT_EQ("throttled", mailbox->last_error()->code);
    world.clock.advance(kImposed - 100ms);
    EXPECT_TRUE(is_away());
    mailbox.reset();
  }
}

TEST_F(MailboxPauseTest, AnswerToACommandThatNobodyWaitsFor_EndsTheSession) {
  server.capabilities = "IMAP4rev1 SASL-IR AUTH=PLAIN IDLE ID ENABLE CONDSTORE QRESYNC";
  settings.wants.flags = true;
  ASSERT_NO_FATAL_FAILURE(be_throttled("ENABLE"));
  EXPECT_EQ(0U, server.asked("EXAMINE"));
  EXPECT_EQ(0U, server.asked("LOGOUT"));
}

TEST_F(MailboxPauseTest, ShorterOneThatAnotherConnectionMeets_DoesNotShortenIt) {
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  Error other(ErrorKind::kMailbox, "throttled", "Request is throttled");
  other.imposed_wait = kImposed - 300ms; // the same second, and earlier
  mailbox->heed_pause(other);
  world.clock.advance(kImposed - 100ms);
  EXPECT_TRUE(is_away());
}

TEST_F(MailboxPauseTest, FaultThatEndsTheSession_DoesNotShortenWhatAnotherConnectionMet) {
  start();
  ASSERT_TRUE(idles());
  Error other(ErrorKind::kMailbox, "throttled", "Request is throttled");
  other.imposed_wait = kImposed;
  server.tell("* BYE Connection closed. 14\r\n");
  mailbox->heed_pause(other);
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  world.clock.advance(kImposed - 100ms);
  EXPECT_TRUE(is_away());
  EXPECT_EQ(0U, server.asked("LOGOUT")) << "not even a good-bye inside the pause";
}

// `mailmoorctl doctor` has a connection of its own, and this one is in the middle of whatever it does.
class PauseMetElsewhereTest : public MailboxWorld, public ::testing::WithParamInterface<std::string_view> {
 protected:
  PauseMetElsewhereTest() { server.capabilities += " NOTIFY"; }
  void meet_pause() {
    Error pause(ErrorKind::kMailbox, "throttled", "Request is throttled");
    pause.imposed_wait = kImposed;
    mailbox->heed_pause(pause);
  }
};

TEST_P(PauseMetElsewhereTest, WhateverIsUnderWay_NothingMoreIsSaid) {
  for (const char* const name : {"INBOX", "Archive", "Sent"})
    for (int i = 0; i < 3; ++i)
      server.folders[name].deliver(message(concat(name, i)));
  std::size_t said = 0; // when it was met, with what was on its way already
  server.answer = [&](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with(GetParam()) || said != 0) return {};
    meet_pause();
    const std::string& behind = std::prev(server.waiting.upper_bound(command))->second;
    said = server.commands.size() + static_cast<std::size_t>(std::ranges::count(behind, '\n'));
    return {};
  };
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  ASSERT_TRUE(world.until([&] { return server.open_connections() == 0; }));
  EXPECT_EQ(said, server.commands.size()) << server.commands.back();
  EXPECT_TRUE(mailbox->view().reason.ends_with("Request is throttled")) << mailbox->view().reason;
  world.clock.advance(kImposed - 100ms);
  world.run_ready();
  EXPECT_EQ(1, server.connections);
  world.clock.advance(200ms);
  ASSERT_TRUE(idles());
  EXPECT_EQ(2, server.connections);
  for (const char* const name : {"", ".Archive", ".Sent"})
    EXPECT_EQ(3U, delivered(name)) << name;
}
INSTANTIATE_TEST_SUITE_P(Commands, PauseMetElsewhereTest,
                         ::testing::Values("CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "UID FETCH 1:4294967295",
                                           "UID FETCH 1:3 (UID FLAGS INTERNALDATE", "NOTIFY SET STATUS"));

TEST_F(PauseMetElsewhereTest, WaitForNews_EndsAtOnceAndWithoutAWord) {
  start();
  ASSERT_TRUE(idles());
  meet_pause();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  ASSERT_TRUE(world.until([&] { return server.open_connections() == 0; }));
  EXPECT_EQ(0, server.dones);
  EXPECT_EQ(0U, server.asked("LOGOUT"));
  world.clock.advance(kImposed + 100ms);
  ASSERT_TRUE(idles());
}

TEST_F(MailboxPauseTest, OverQuotaAgainAndAgain_WaitsUpToADay) {
  server.folders["INBOX"].deliver(message("one"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.contains("BODY.PEEK[]")) return {};
    return "%t NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)\r\n";
  };
  start();
  int tries = 0;
  for (const runtime::Duration wait : {1h, 2h, 4h, 8h, 16h, 24h, 24h}) {
    ++tries;
    ASSERT_TRUE(world.until([&] { return server.connections == tries && mailbox->imposed_pause(); }));
    EXPECT_EQ("over_quota", mailbox->last_error()->code);
    world.clock.advance(wait - 1s);
    world.run_ready();
    if (tries == 3) start(); // the ladder outlives the daemon
    world.run_ready();
    EXPECT_EQ(tries, server.connections);
    static_cast<void>(mailbox->sync_now([](const Status&) {}));
    world.run_ready();
    EXPECT_EQ(tries, server.connections);
    world.clock.advance(1s + 10ms);
  }
}

TEST_F(MailboxPauseTest, TimeScale_DoesNotShortenIt) {
  world.services.time_scale = 0.001;
  ASSERT_NO_FATAL_FAILURE(be_throttled("LIST"));
  world.clock.advance(kImposed - 100ms);
  EXPECT_TRUE(is_away());
}

} // namespace
} // namespace mailmoor::mailbox
