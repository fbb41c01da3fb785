// Flags that change on the server and messages that go there, with a server that has no extension for it.
#include "mailbox/mailbox_world.h"
#include "maildir/folder_changes.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ChangesTest : public MailboxWorld {
 protected:
  void mirror(bool deletions = true) {
    settings.wants.flags = true;
    settings.wants.deletions = deletions;
  }
  void fill(int count, const std::string& folder = "INBOX") {
    for (int i = 0; i < count; ++i)
      server.folders[folder].deliver(message(concat("message ", i)));
  }
  void expunge(std::uint32_t first, std::uint32_t last, const std::string& folder = "INBOX") {
    for (std::uint32_t uid = first; uid <= last; ++uid)
      server.folders[folder].messages.erase(uid);
  }
  // A pass over everything, to its end.
  [[nodiscard]] bool pass() {
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status) { done = true; }));
    return world.until([&done] { return done; });
  }
  // ":2,…" of each file of new/ and cur/, in the order of the UIDs; "new" for those without.
  [[nodiscard]] std::vector<std::string> flags() const {
    std::map<std::uint32_t, std::string> found;
    for (const char* sub : {"/new", "/cur"})
      for (const auto& [name, bytes] : disk.files(std::string("/mail/alice") + sub))
        if (const auto parsed = maildir::parse_file_name(name))
          found[parsed->uid.value()] = name.contains(":2,") ? std::string(parsed->letters) : "new";
    std::vector<std::string> out;
    for (const auto& [uid, letters] : found)
      out.push_back(letters);
    return out;
  }
  [[nodiscard]] std::string file_of(std::uint32_t uid) const {
    for (const char* sub : {"/new/", "/cur/"})
      for (const auto& [name, bytes] : disk.files(std::string("/mail/alice") + sub))
        if (const auto parsed = maildir::parse_file_name(name); parsed && parsed->uid.value() == uid)
          return concat("/mail/alice", sub, name);
    return {};
  }
  [[nodiscard]] std::size_t in_trash(const std::string& folder = "INBOX") const {
    return disk.files(concat("/mail/alice/.mailmoor-trash/", maildir::trash_day(world.now()), '/', folder)).size();
  }
};

TEST_F(ChangesTest, FlagsOfBothSides_ComeTogetherInTheFileAndNothingIsSent) {
  mirror();
  fill(3);
  start();
  ASSERT_TRUE(idles());
  disk.move(file_of(2), concat("/mail/alice/cur/", file_of(2).substr(16), ":2,F"));
  server.folders["INBOX"].flags = {{1, "\\Seen"}, {2, "\\Answered $Forwarded"}};
  ASSERT_TRUE(pass());
  EXPECT_THAT(flags(), ElementsAre("S", "FPR", "new"));
  server.folders["INBOX"].flags = {{2, "\\Answered"}};
  ASSERT_TRUE(pass());
  EXPECT_THAT(flags(), ElementsAre("", "FR", "new"));
  EXPECT_THAT(server.commands, Not(Contains(HasSubstr("STORE"))));
}

TEST_F(ChangesTest, InitialFlags_AreNotFollowed) {
  server.folders["INBOX"].flags = {{1, "\\Seen"}};
  fill(2);
  start();
  ASSERT_TRUE(idles());
  server.folders["INBOX"].flags = {{1, "\\Flagged"}, {2, "\\Seen"}};
  ASSERT_TRUE(pass());
  EXPECT_THAT(flags(), ElementsAre("S", "new"));
}

TEST_F(ChangesTest, FlagsRememberedOverARestart_TellWhoChangedWhat) {
  mirror();
  server.folders["INBOX"].flags = {{1, "\\Seen"}, {2, "\\Seen"}};
  fill(2);
  start();
  ASSERT_TRUE(idles());
  disk.move(file_of(1), concat("/mail/alice/cur/", file_of(1).substr(16, file_of(1).find(":2,") - 16), ":2,"));
  server.folders["INBOX"].flags = {{1, "\\Seen"}};
  start();
  ASSERT_TRUE(idles());
  EXPECT_THAT(flags(), ElementsAre("", "")) << "1 was made unread here, 2 there";
}

TEST_F(ChangesTest, RenameThatFails_IsTriedAgain) {
  mirror();
  fill(2);
  start();
  ASSERT_TRUE(idles());
  server.folders["INBOX"].flags = {{1, "\\Seen"}, {2, "\\Seen"}};
  disk.fail_at(3, "io_error"); // new/ and cur/ are looked after first
  ASSERT_TRUE(pass());
  ASSERT_TRUE(pass());
  EXPECT_THAT(flags(), ElementsAre("S", "S"));
}

TEST_F(ChangesTest, ExpungedMessages_GoToTheTrashAndNewOnesComeMeanwhile) {
  mirror();
  fill(5);
  start();
  ASSERT_TRUE(idles());
  disk.remove(file_of(5));
  expunge(2, 3);
  fill(1);
  ASSERT_TRUE(pass());
  EXPECT_EQ(3U, delivered()) << "1, 4 and the new one; 5 was deleted by a reader";
  EXPECT_EQ(2U, in_trash());
  EXPECT_EQ(4U, mailbox->view().messages);
  EXPECT_EQ(MailboxState::kIdle, mailbox->view().state);
}

TEST_F(ChangesTest, DeletionsKept_NothingGoes) {
  mirror(/*deletions=*/false);
  fill(5);
  start();
  ASSERT_TRUE(idles());
  expunge(1, 5);
  ASSERT_TRUE(pass());
  EXPECT_EQ(5U, delivered());
  EXPECT_EQ(0U, in_trash());
}

TEST_F(ChangesTest, MassDeletion_IsHeldOverARestartUntilConfirmed) {
  mirror();
  fill(40);
  start();
  ASSERT_TRUE(idles());
  expunge(1, 30);
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kHeld));
  EXPECT_EQ(40U, delivered());
  EXPECT_THAT(mailbox->view().reason, HasSubstr("30 messages of INBOX"));
  EXPECT_EQ("run: mailmoorctl confirm alice", mailbox->view().remedy);
  start();
  ASSERT_TRUE(becomes(MailboxState::kHeld));
  fill(1);
  expunge(31, 31); // one more, by itself not worth a word
  ASSERT_TRUE(pass());
  EXPECT_EQ(41U, delivered());
  EXPECT_EQ(0U, in_trash());
  ASSERT_TRUE(mailbox->confirm());
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kIdle));
  EXPECT_EQ(10U, delivered());
  EXPECT_EQ(31U, in_trash());
  EXPECT_FALSE(mailbox->confirm()) << "nothing is held any more";
}

TEST_F(ChangesTest, HeldMessagesRestoredOnTheServer_AreHeldNoLonger) {
  mirror();
  fill(40);
  const auto before = server.folders["INBOX"].messages;
  start();
  ASSERT_TRUE(idles());
  expunge(1, 30);
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kHeld));
  server.folders["INBOX"].messages = before;
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kIdle));
  EXPECT_EQ(40U, delivered());
}

TEST_F(ChangesTest, ListingThatDisagreesWithExists_RemovesNothing) {
  mirror();
  fill(5);
  start();
  ASSERT_TRUE(idles());
  expunge(5, 5);
  const auto as_it_should = server.answer;
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("UID FETCH") || command.contains("BODY")) return {};
    return "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n* 3 FETCH (UID 3 FLAGS ())\r\n"
           "* 4 FETCH (UID 4 FLAGS ())\r\n* 4 EXPUNGE\r\n%t OK done\r\n";
  };
  ASSERT_TRUE(pass());
  EXPECT_EQ(5U, delivered());
  server.answer = as_it_should;
  ASSERT_TRUE(pass());
  EXPECT_EQ(4U, delivered()) << "the next listing agrees";
  EXPECT_EQ(1U, in_trash());
}

TEST_F(ChangesTest, FolderThatVanished_IsHeldAndGoesOnceConfirmed) {
  mirror();
  fill(2, "Sent");
  start();
  ASSERT_TRUE(idles());
  ASSERT_EQ(2U, delivered(".Sent"));
  server.folders.erase("Sent");
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kHeld));
  EXPECT_EQ(2U, delivered(".Sent"));
  EXPECT_THAT(mailbox->view().reason, HasSubstr("2 messages of Sent"));
  start();
  ASSERT_TRUE(becomes(MailboxState::kHeld));
  ASSERT_TRUE(mailbox->confirm());
  ASSERT_TRUE(pass());
  EXPECT_EQ(0U, delivered(".Sent"));
  EXPECT_EQ(2U, in_trash(".Sent"));
  ASSERT_TRUE(becomes(MailboxState::kIdle));
}

TEST_F(ChangesTest, FolderThatCameBack_IsHeldNoLonger) {
  mirror();
  fill(2, "Sent");
  start();
  ASSERT_TRUE(idles());
  const auto sent = server.folders["Sent"];
  server.folders.erase("Sent");
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kHeld));
  server.folders["Sent"] = sent;
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kIdle));
  EXPECT_EQ(2U, delivered(".Sent"));
}

// Found by a random history.
TEST_F(ChangesTest, FolderThatVanishesWhileSomeIsHeld_IsHeldWhole) {
  mirror();
  fill(22, "Sent");
  start();
  ASSERT_TRUE(idles());
  auto& sent = server.folders["Sent"].messages;
  while (sent.size() > 1)
    sent.erase(sent.begin());
  ASSERT_TRUE(pass());
  ASSERT_TRUE(becomes(MailboxState::kHeld));
  EXPECT_EQ(*UidSet::parse("1:21"), mailbox->folders().at("Sent").recorded.held);
  server.folders.erase("Sent");
  ASSERT_TRUE(pass());
  EXPECT_EQ(*UidSet::parse("1:22"), mailbox->folders().at("Sent").recorded.held);
  ASSERT_TRUE(mailbox->confirm());
  ASSERT_TRUE(becomes(MailboxState::kIdle));
  EXPECT_EQ(0U, delivered(".Sent"));
}

TEST_F(ChangesTest, AnotherUidValidity_RemovesNothing) {
  mirror();
  fill(3);
  start();
  ASSERT_TRUE(idles());
  server.folders["INBOX"].validity = 15;
  expunge(1, 2);
  ASSERT_TRUE(pass());
  ASSERT_TRUE(pass());
  EXPECT_EQ(3U, delivered()) << "two of the old numbering, and one that was recognised";
  EXPECT_EQ(0U, in_trash());
}

TEST_F(ChangesTest, TrashOfAMonthAgo_IsEmptied) {
  mirror();
  fill(3);
  start();
  ASSERT_TRUE(idles());
  expunge(1, 1);
  ASSERT_TRUE(pass());
  const std::string day = concat("/mail/alice/.mailmoor-trash/", maildir::trash_day(world.now()));
  ASSERT_TRUE(disk.exists(day));
  world.clock.advance(std::chrono::hours(24 * 29));
  ASSERT_TRUE(pass());
  EXPECT_TRUE(disk.exists(day));
  world.clock.advance(std::chrono::hours(24 * 2));
  ASSERT_TRUE(pass());
  EXPECT_FALSE(disk.exists(day));
  EXPECT_EQ(2U, delivered());
}

} // namespace
} // namespace mailmoor::mailbox
