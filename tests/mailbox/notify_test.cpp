// Waiting for news of all folders on one connection (RFC 5465).
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

class NotifyTest : public MailboxWorld {
 protected:
  NotifyTest() {
    server.capabilities += " NOTIFY";
    server.folders["Sent"];
    server.folders["Old"];
    settings.poll = 24h;
  }
  [[nodiscard]] static std::string status_line(std::string_view name, const ImapServer::Folder& folder) {
    return concat("* STATUS \"", name, "\" (MESSAGES ", folder.messages.size(), " UIDNEXT ", folder.next,
                  " UIDVALIDITY ", folder.validity, ")\r\n");
  }
  // A server that keeps to it: STATUS of each folder but the open one first.
  void answer_notify() {
    server.answer = [this](const std::string& command) -> std::optional<std::string> {
      if (!command.starts_with("NOTIFY SET STATUS")) return {};
      std::string text;
      for (const auto& [name, folder] : server.folders)
        if (name != "INBOX") text += status_line(name, folder);
      return text + "%t OK done\r\n";
    };
  }
  [[nodiscard]] std::size_t examined(std::string_view name) const {
    return server.asked(concat("EXAMINE \"", name, "\""));
  }
};

TEST_F(NotifyTest, NewsOfAFolder_EndTheWaitForThatFolderOnly) {
  answer_notify();
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, server.asked("NOTIFY SET STATUS (selected (MessageNew MessageExpunge"));
  const std::size_t old_before = examined("Old");
  const std::size_t sent_before = examined("Sent");
  server.folders["Sent"].deliver(message("sent"));
  server.tell("* STATUS Sent (MESSAGES 1 UIDNEXT 2 UNSEEN 1)\r\n");
  ASSERT_TRUE(world.until([&] { return delivered(".Sent") == 1 && server.asked("IDLE") == 2; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(old_before, examined("Old"));
  EXPECT_EQ(sent_before + 1, examined("Sent"));
  EXPECT_EQ(1U, server.asked("LIST")) << "no pass over all folders";
  EXPECT_EQ(1, server.connections);
  EXPECT_EQ(1U, server.asked("NOTIFY")) << "it stays in force: the STATUS of all folders comes once";
}

TEST_F(NotifyTest, NewsOfAThirdFolder_WhileOneIsLookedAt_AreNotLost) {
  answer_notify();
  auto notify = server.answer;
  start();
  ASSERT_TRUE(idles());
  for (const std::string_view part : {"EXAMINE \"Sent\"", ":4294967295", "BODY.PEEK[]", "EXAMINE \"INBOX\""}) {
    SCOPED_TRACE(part);
    const std::size_t before = delivered(".Old");
    const std::size_t sent = delivered(".Sent");
    server.answer = [&, first = true](const std::string& said) mutable -> std::optional<std::string> {
      if (!said.contains(part) || !std::exchange(first, false)) return notify(said);
      server.folders["Old"].deliver(message(concat("old ", before)));
      server.tell(status_line("Old", server.folders["Old"]));
      return {};
    };
    server.folders["Sent"].deliver(message(concat("sent ", sent)));
    server.tell(status_line("Sent", server.folders["Sent"]));
    ASSERT_TRUE(world.until([&] { return delivered(".Old") == before + 1 && delivered(".Sent") == sent + 1; }));
    ASSERT_TRUE(idles());
  }
  EXPECT_EQ(1U, server.asked("NOTIFY"));
  EXPECT_EQ(1U, server.asked("LIST"));
}

TEST_F(NotifyTest, NewsOfTheFolderThatIsLookedAt_AreNotLost) {
  answer_notify();
  auto notify = server.answer;
  start();
  ASSERT_TRUE(idles());
  server.answer = [&, first = true](const std::string& said) mutable -> std::optional<std::string> {
    if (!said.starts_with("UID FETCH 1 ") || !std::exchange(first, false)) return notify(said);
    server.folders["Sent"].deliver(message("second"));
    server.tell("* 2 EXISTS\r\n");
    return {};
  };
  server.folders["Sent"].deliver(message("first"));
  server.tell(status_line("Sent", server.folders["Sent"]));
  ASSERT_TRUE(world.until([&] { return delivered(".Sent") == 2; }));
  EXPECT_EQ(1U, server.asked("NOTIFY"));
}

// Its answers look like what is told unasked.
TEST_F(NotifyTest, PassOverEverything_IsMadeInSilence) {
  answer_notify();
  start();
  ASSERT_TRUE(idles());
  const std::size_t before = server.commands.size();
  bool done = false;
  static_cast<void>(mailbox->sync_now([&done](const Status&) { done = true; }));
  ASSERT_TRUE(world.until([&] { return done && server.asked("IDLE") == 2; }));
  EXPECT_TRUE(server.commands.at(before).starts_with("NOTIFY SET (selected-delayed (MessageNew MessageExpunge"));
  EXPECT_EQ("LIST", server.commands.at(before + 1).substr(0, 4));
  EXPECT_EQ(2U, server.asked("NOTIFY SET STATUS")) << "what happened meanwhile is told first";
}

TEST_F(NotifyTest, WhatCameBetweenPassAndWait_StandsInTheFirstStatus) {
  answer_notify();
  auto notify = server.answer;
  server.answer = [this, notify, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command.starts_with("NOTIFY SET STATUS") && std::exchange(first, false))
      server.folders["Sent"].deliver(message("in between"));
    return notify(command);
  };
  start();
  ASSERT_TRUE(world.until([&] { return delivered(".Sent") == 1; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, server.asked("IDLE")) << "it had not waited yet";
}

// A STATUS that never agrees with what the folder is when it is opened must not become a storm.
TEST_F(NotifyTest, StatusThatIsAlwaysWrong_CostsOnePass) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("NOTIFY SET STATUS"))
      return "* STATUS Sent (MESSAGES 7 UIDNEXT 99 UIDVALIDITY 14)\r\n%t OK done\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(idles());
  EXPECT_LE(server.asked("NOTIFY SET STATUS"), 2U);
  EXPECT_LE(examined("Sent"), 2U);
}

TEST_F(NotifyTest, FirstStatusThatSaysNothing_CostsNoPass) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("NOTIFY SET STATUS")) return "* STATUS Sent (UNSEEN 0)\r\n%t OK done\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, server.asked("NOTIFY SET STATUS"));
}

TEST_F(NotifyTest, FlagsOfAFolder_EndTheWaitForThatFolder) {
  settings.wants.flags = true;
  server.folders["Sent"].deliver(message("read elsewhere"));
  answer_notify();
  start();
  ASSERT_TRUE(idles());
  const std::size_t old_before = examined("Old");
  server.folders["Sent"].flags[1] = "\\Seen";
  server.tell("* STATUS Sent (UNSEEN 0)\r\n");
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 2; }));
  const auto files = disk.files("/mail/alice/.Sent/cur");
  ASSERT_EQ(1U, files.size());
  EXPECT_TRUE(files.begin()->first.ends_with(":2,S")) << files.begin()->first;
  EXPECT_EQ(old_before, examined("Old"));
}

TEST_F(NotifyTest, FolderThatIsMade_IsLookedForAtOnce) {
  answer_notify();
  start();
  ASSERT_TRUE(idles());
  server.folders["New"].deliver(message("first"));
  server.tell("* LIST () \"/\" New\r\n");
  ASSERT_TRUE(world.until([&] { return delivered(".New") == 1; }));
  EXPECT_EQ(2U, server.asked("LIST"));
}

TEST_F(NotifyTest, FolderThatIsNotMirrored_DoesNotEndTheWait) {
  settings.folders.exclude.push_back(*Glob::parse("Old"));
  answer_notify();
  start();
  ASSERT_TRUE(idles());
  server.tell("* STATUS Old (MESSAGES 1 UIDNEXT 2)\r\n");
  world.run_ready();
  EXPECT_TRUE(server.is_idling());
  EXPECT_EQ(1U, server.asked("IDLE"));
}

TEST_F(NotifyTest, Refused_FallsBackToIdleAndIsToldOnce) {
  for (const std::string_view refusal :
       {"%t NO [BADEVENT (MailboxName)] no\r\n", "%t NO [NOTIFICATIONOVERFLOW] no\r\n", "%t BAD unknown command\r\n"}) {
    server.commands.clear();
    server.answer = [refusal](const std::string& command) -> std::optional<std::string> {
      if (command.starts_with("NOTIFY")) return std::string(refusal);
      return {};
    };
    start();
    ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 1; }));
    for (int round = 1; round <= 3; ++round) {
      world.clock.advance(9min + 1s);
      ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == static_cast<std::size_t>(round) + 1; }));
    }
    EXPECT_EQ(1U, server.asked("NOTIFY")) << refusal;
    EXPECT_FALSE(mailbox->last_error());
    const std::size_t before = delivered();
    server.folders["INBOX"].deliver(message("news"));
    server.tell(concat("* ", before + 1, " EXISTS\r\n"));
    ASSERT_TRUE(world.until([&] { return delivered() == before + 1; }));
  }
}

TEST_F(NotifyTest, ThrottledAnswer_IsAPause) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("NOTIFY"))
      return "%t NO Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
}

TEST_F(NotifyTest, ServerThatCannotKeepUp_IsLookedAtAsAWholeOnceAndIdledOn) {
  answer_notify();
  start();
  ASSERT_TRUE(idles());
  server.folders["Old"].deliver(message("lost"));
  server.tell("* OK [NOTIFICATIONOVERFLOW] too much\r\n");
  ASSERT_TRUE(world.until([&] { return delivered(".Old") == 1; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(2U, server.asked("LIST"));
  EXPECT_EQ(1U, server.asked("NOTIFY SET STATUS"));
  EXPECT_EQ(1U, server.asked("NOTIFY SET (selected-delayed")) << "an overflow silences the open folder, too";
}

// Whoever was silenced for good by NOTIFY NONE would be deaf in IDLE from then on.
TEST_F(NotifyTest, RefusedLater_IdleTellsOfInboxStill) {
  server.answer = [times = 0](const std::string& command) mutable -> std::optional<std::string> {
    if (!command.starts_with("NOTIFY SET STATUS")) return {};
    return ++times == 1 ? "%t OK done\r\n" : "%t NO not now\r\n";
  };
  start();
  ASSERT_TRUE(idles());
  for (const std::size_t idles : {2U, 3U}) {
    static_cast<void>(mailbox->sync_now([](const Status&) {}));
    ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == idles && server.is_idling(); }));
  }
  EXPECT_EQ(2U, server.asked("NOTIFY SET STATUS")) << "no more in this session";
  EXPECT_EQ(1U, server.asked("NOTIFY SET (selected-delayed"));
  EXPECT_EQ(0U, server.asked("NOTIFY NONE"));
  EXPECT_EQ(1, server.connections);
}

TEST_F(NotifyTest, ServerThatFallsSilent_IsGivenUp) {
  leave_unanswered("NOTIFY");
  start();
  ASSERT_TRUE(world.until([&] { return server.asked("NOTIFY") == 1; }));
  world.clock.advance(settings.connection.io_timeout + 1s);
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  EXPECT_EQ("io_timeout", mailbox->last_error()->code);
}

TEST_F(NotifyTest, NewConnection_IsToldAnew) {
  answer_notify();
  start();
  ASSERT_TRUE(idles());
  server.tell("* BYE Connection is closed. 13\r\n");
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  ASSERT_TRUE(idles());
  EXPECT_EQ(2, server.connections);
  EXPECT_EQ(2U, server.asked("NOTIFY SET STATUS"));
}

TEST_F(NotifyTest, WhatIsNeverTold_ThePollFinds) {
  answer_notify();
  settings.poll = 1h;
  start();
  ASSERT_TRUE(idles());
  server.folders["Sent"].deliver(message("never told"));
  world.clock.advance(9min + 1s);
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 2; }));
  EXPECT_EQ(1U, server.asked("NOTIFY"));
  EXPECT_EQ(0U, delivered(".Sent"));
  world.clock.advance(70min);
  ASSERT_TRUE(world.until([&] { return delivered(".Sent") == 1; }));
  EXPECT_EQ(1, server.connections);
}

} // namespace
} // namespace mailmoor::mailbox
