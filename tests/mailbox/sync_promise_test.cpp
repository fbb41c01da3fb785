// What sync_now() promises: what the server had when it was asked is on the disk when the one who asked is told that
// all is well, whatever the mailbox was doing at that moment.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

class SyncPromiseTest : public MailboxWorld {
 protected:
  SyncPromiseTest() { server.folders["Sent"]; }
  // One new message, and somebody who asks for a sync because of it.
  void deliver_and_ask(const std::string& folder) {
    server.folders[folder].deliver(message("late"));
    ask();
  }
  void ask() {
    asked = true;
    const auto hear = [this](Status status) {
      told.emplace(std::move(status));
      here = delivered() + delivered(".Sent");
    };
    static_cast<void>(mailbox->sync_now(hear));
  }
  // LIST-STATUS as a good server has it.
  [[nodiscard]] std::string list_with_status() const {
    std::string text;
    for (const auto& [name, folder] : server.folders)
      text += concat("* LIST () \"/\" \"", name, "\"\r\n* STATUS \"", name, "\" (MESSAGES ", folder.messages.size(),
                     " UIDNEXT ", folder.next, " UIDVALIDITY ", folder.validity, ")\r\n");
    return text + "%t OK done\r\n";
  }
  void expect_kept(std::size_t messages) {
    ASSERT_TRUE(world.until([this] { return told.has_value(); }));
    EXPECT_TRUE(*told) << told->error().what;
    EXPECT_EQ(messages, here) << "on the disk when it was told";
  }

  std::optional<Status> told;
  std::size_t here = 0; // messages on the disk at that moment
  bool asked = false;
};

TEST_F(SyncPromiseTest, FolderWasVisitedAlreadyByAPassThatGoesOn_TheNextPassIsAwaited) {
  server.answer = [this, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command == "EXAMINE \"Sent\"" && std::exchange(first, false)) deliver_and_ask("INBOX");
    return {};
  };
  start();
  ASSERT_NO_FATAL_FAILURE(expect_kept(1));
  EXPECT_EQ(2U, server.asked("LIST"));
}

TEST_F(SyncPromiseTest, FoldersWereListedAlreadyByAPassThatGoesOn_TheNextPassIsAwaited) {
  server.capabilities += " LIST-STATUS";
  int times = 0;
  server.answer = [this, &times](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("LIST")) return {};
    const std::string before = list_with_status();
    if (++times == 2) deliver_and_ask("Sent");
    return before;
  };
  start();
  ASSERT_TRUE(idles());
  std::optional<Status> earlier; // who has that pass begin
  static_cast<void>(mailbox->sync_now([&earlier](Status status) { earlier.emplace(std::move(status)); }));
  ASSERT_NO_FATAL_FAILURE(expect_kept(1));
  EXPECT_TRUE(earlier && *earlier);
  EXPECT_EQ(3, times);
}

TEST_F(SyncPromiseTest, AskedInThePassOfAnother_EachIsToldByTheirOwn) {
  server.answer = [this, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command == "EXAMINE \"Sent\"" && server.asked("LIST") == 2 && std::exchange(first, false))
      deliver_and_ask("INBOX");
    return {};
  };
  start();
  ASSERT_TRUE(idles());
  std::size_t lists = 0;
  static_cast<void>(mailbox->sync_now([&](const Status& status) {
    EXPECT_TRUE(status);
    EXPECT_FALSE(told);
    lists = server.asked("LIST");
  }));
  ASSERT_NO_FATAL_FAILURE(expect_kept(1));
  EXPECT_EQ(2U, lists);
}

TEST_F(SyncPromiseTest, AskedWhileNewsOfOneFolderAreFetched_AllFoldersAreAwaited) {
  start();
  ASSERT_TRUE(idles());
  server.answer = [this, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command.contains("BODY.PEEK[]") && std::exchange(first, false)) deliver_and_ask("Sent");
    return {};
  };
  server.folders["INBOX"].deliver(message("news"));
  server.tell("* 1 EXISTS\r\n");
  ASSERT_NO_FATAL_FAILURE(expect_kept(2));
}

TEST_F(SyncPromiseTest, AskedInAPassThatFails_ItIsTriedAgainAtOnce) {
  server.answer = [this, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command != "EXAMINE \"Sent\"" || !std::exchange(first, false)) return {};
    deliver_and_ask("INBOX");
    return "* BYE shutting down\r\n%close";
  };
  start();
  ASSERT_NO_FATAL_FAILURE(expect_kept(1));
  EXPECT_EQ(2, server.connections);
}

TEST_F(SyncPromiseTest, AskedWhileALostConnectionIsStillTakenForOne_ItIsTriedAgainAtOnce) {
  start();
  ASSERT_TRUE(idles());
  server.folders["INBOX"].deliver(message("unheard of"));
  server.tell("* BYE shutting down\r\n"); // nothing of it has been read
  ask();
  ASSERT_NO_FATAL_FAILURE(expect_kept(1));
  EXPECT_EQ(2, server.connections);
}

TEST_F(SyncPromiseTest, FaultThatLasts_IsToldAfterOneTryForTheOneWhoAsked) {
  server.answer = [this](const std::string& command) -> std::optional<std::string> {
    if (command != "EXAMINE \"Sent\"") return {};
    if (!asked) ask();
    return "* BYE shutting down\r\n%close";
  };
  start();
  ASSERT_TRUE(world.until([this] { return told.has_value(); }));
  ASSERT_FALSE(*told);
  EXPECT_EQ("session_closed", told->error().code);
  EXPECT_EQ(2, server.connections);
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  world.run_ready();
  EXPECT_EQ(2, server.connections) << "and then on the ladder";
}

TEST_F(SyncPromiseTest, AskedInAPassThatMeetsAPause_IsToldOfThePause) {
  server.answer = [this](const std::string& command) -> std::optional<std::string> {
    if (command != "EXAMINE \"Sent\"") return {};
    ask();
    return "%t BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n";
  };
  start();
  ASSERT_TRUE(world.until([this] { return told.has_value(); }));
  ASSERT_FALSE(*told);
  EXPECT_EQ("throttled", told->error().code);
  world.run_ready();
  EXPECT_EQ(1, server.connections);
}

TEST_F(SyncPromiseTest, MailboxIsPausedMeanwhile_IsToldInsteadOfWaitingForIt) {
  server.answer = [this](const std::string& command) -> std::optional<std::string> {
    if (command == "EXAMINE \"Sent\"") mailbox->pause();
    return {};
  };
  start();
  ask();
  ASSERT_TRUE(world.until([this] { return told.has_value(); }));
  ASSERT_FALSE(*told);
  EXPECT_EQ("paused", told->error().code);
  ASSERT_TRUE(becomes(MailboxState::kPaused));
  const auto refused = mailbox->sync_now([](const Status&) { ADD_FAILURE() << "it was refused"; });
  ASSERT_FALSE(refused);
  EXPECT_EQ("run: mailmoorctl resume alice", refused.error().remedy);
}

// It was time to leave when the next messages were due to be asked for, and no more when the pass ended.
TEST_F(SyncPromiseTest, PassIsBrokenOffForAMomentOnly_TheRestIsAwaited) {
  server.folders.erase("Sent"); // INBOX is the last one, too
  for (int i = 0; i < 250; ++i)
    server.folders["INBOX"].deliver(message("one"));
  std::optional<testing::Plug> slow_disk;
  server.answer = [this, &slow_disk](const std::string& command) -> std::optional<std::string> {
    if (command.contains("BODY.PEEK[]") && !slow_disk) { // the first of three; the second is on its way already
      slow_disk.emplace(world.files_pool);
      mailbox->sign_out();
    }
    return {};
  };
  start();
  ask();
  int turns = 0; // of the loop, until the end of the second answer has been read, too
  ASSERT_TRUE(world.until([&] { return mailbox->view().fetched == 200 && ++turns > 100; }));
  mailbox->credentials_changed();
  slow_disk->pull();
  ASSERT_NO_FATAL_FAILURE(expect_kept(250));
}

} // namespace
} // namespace mailmoor::mailbox
