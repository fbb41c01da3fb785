// A server that numbers a folder anew, or another server: what is here is recognised, and only what is new is fetched.
#include "mailbox/mailbox_world.h"
#include "maildir/folder_changes.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class RematchTest : public MailboxWorld {
 protected:
  RematchTest() {
    settings.wants.flags = true;
    settings.push = false;
    settings.poll = 1000h;
  }
  [[nodiscard]] static std::string with_id(int number, std::string_view text = "hello") {
    return concat("Message-ID: <", number, "@example.org>\r\nSubject: ", number, "\r\n\r\n", text, "\r\n");
  }
  void fill(int count) {
    for (int i = 1; i <= count; ++i)
      server.folders["INBOX"].deliver(with_id(i));
  }
  // The same messages under other numbers, in the same order.
  void renumber(std::uint32_t validity, std::uint32_t by) {
    ImapServer::Folder& folder = server.folders["INBOX"];
    ImapServer::Folder anew;
    anew.validity = validity;
    for (auto& [uid, body] : folder.messages) {
      anew.messages.emplace(uid + by, body);
      if (folder.flags.contains(uid)) anew.flags[uid + by] = folder.flags[uid];
      if (folder.dates.contains(uid)) anew.dates[uid + by] = folder.dates[uid];
    }
    anew.next = folder.next + by;
    folder = std::move(anew);
  }
  [[nodiscard]] bool pass() {
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status) { done = true; }));
    return world.until([&done] { return done; });
  }
  [[nodiscard]] bool synced() {
    return world.until([this] { return mailbox->view().state == MailboxState::kIdle; });
  }
  // "V<validity>U<uid>:<flags or new>" of each file.
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const char* sub : {"/new", "/cur"})
      for (const auto& [name, bytes] : disk.files(concat("/mail/alice", sub)))
        if (const auto parsed = maildir::parse_file_name(name))
          out.push_back(concat('V', parsed->validity.value(), 'U', parsed->uid.value(), ':',
                               name.contains(":2,") ? parsed->letters : "new"));
    return out;
  }
  [[nodiscard]] std::string path_of(std::uint32_t uid) const {
    for (const char* sub : {"/new/", "/cur/"})
      for (const auto& [name, bytes] : disk.files(std::string("/mail/alice") + sub))
        if (const auto parsed = maildir::parse_file_name(name); parsed && parsed->uid.value() == uid)
          return concat("/mail/alice", sub, name);
    return {};
  }
  void set_local(std::uint32_t uid, std::string_view letters) {
    const std::string path = path_of(uid);
    std::string name = path.substr(path.rfind('/') + 1);
    name.resize(std::min(name.find(":2,"), name.size()));
    disk.move(path, concat("/mail/alice/cur/", name, ":2,", letters));
  }
  // Messages asked for with their bodies since the last call.
  [[nodiscard]] std::uint64_t bodies() {
    std::uint64_t count = 0;
    for (; looked_at_ < server.commands.size(); ++looked_at_) {
      const std::string& command = server.commands[looked_at_];
      if (!command.starts_with("UID FETCH ") || !command.contains("BODY.PEEK[])")) continue;
      const std::string set = command.substr(10, command.find(' ', 10) - 10);
      count += UidSet::parse(set)->size();
    }
    return count;
  }

 private:
  std::size_t looked_at_ = 0;
};

TEST_F(RematchTest, FolderNumberedAnew_IsRecognisedAndOnlyNewMailIsFetched) {
  server.folders["INBOX"].flags = {{2, "\\Seen"}};
  fill(3);
  start();
  ASSERT_TRUE(synced());
  EXPECT_EQ(3U, bodies());
  renumber(77, 100);
  server.folders["INBOX"].deliver(with_id(9));
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V77U101:new", "V77U102:S", "V77U103:new", "V77U104:new"));
  EXPECT_EQ(1U, bodies());
  EXPECT_EQ(4U, mailbox->view().messages);
  ASSERT_TRUE(pass());
  EXPECT_EQ(0U, bodies()) << "a second pass does nothing";
}

TEST_F(RematchTest, FlagsOfBothSides_ComeTogetherOverTheChange) {
  server.folders["INBOX"].flags = {{1, "\\Seen"}, {2, "\\Seen"}, {3, "\\Seen"}};
  fill(3);
  start();
  ASSERT_TRUE(synced());
  set_local(1, "");   // made unread here
  set_local(2, "FS"); // flagged here
  renumber(77, 100);
  server.folders["INBOX"].flags[103] = "\\Answered"; // changed there
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V77U101:", "V77U102:FS", "V77U103:R"));
}

TEST_F(RematchTest, MessagesWithoutMessageId_AreComparedByContent) {
  for (const std::string_view text : {"one", "two", "six"})
    server.folders["INBOX"].deliver(message(text));
  start();
  ASSERT_TRUE(synced());
  EXPECT_EQ(3U, bodies());
  renumber(77, 10);
  std::swap(server.folders["INBOX"].messages[11], server.folders["INBOX"].messages[13]);
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V77U11:new", "V77U12:new", "V77U13:new"));
  EXPECT_EQ(3U, bodies()) << "compared once, not delivered";
  EXPECT_THAT(disk.files("/mail/alice/new").begin()->second, HasSubstr("six")) << "each got its own number";
}

TEST_F(RematchTest, SameMessageIdTwice_OnlyThoseAreFetchedToCompare) {
  fill(20);
  server.folders["INBOX"].deliver(with_id(5));
  start();
  ASSERT_TRUE(synced());
  EXPECT_EQ(21U, bodies());
  renumber(77, 10);
  ASSERT_TRUE(pass());
  EXPECT_EQ(21U, files().size());
  EXPECT_EQ(2U, bodies());
}

TEST_F(RematchTest, ChangedDate_IsTakenOverOnceTheContentIsTheSame) {
  fill(2);
  start();
  ASSERT_TRUE(synced());
  static_cast<void>(bodies());
  renumber(77, 10);
  server.folders["INBOX"].dates[12] = "01-Jan-2020 00:00:00 +0000";
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V77U11:new", "V77U12:new"));
  EXPECT_EQ(1U, bodies());
  EXPECT_EQ(UnixTime(1'577'836'800s), disk.mtime(path_of(12)));
  EXPECT_THAT(path_of(12), HasSubstr("/1577836800.V77U12."));
}

TEST_F(RematchTest, OtherMessageUnderTheSameId_IsFetchedAndNothingIsLost) {
  fill(2);
  start();
  ASSERT_TRUE(synced());
  renumber(77, 10);
  server.folders["INBOX"].messages[12] = with_id(2, std::string(5000, 'x'));
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V77U11:new", "V14U2:new", "V77U12:new"));
}

TEST_F(RematchTest, MirroredDeletions_TouchNothingOverTheChange) {
  settings.wants.deletions = true;
  fill(6);
  start();
  ASSERT_TRUE(synced());
  renumber(77, 100);
  for (const std::uint32_t uid : {102U, 103U})
    server.folders["INBOX"].messages.erase(uid);
  ASSERT_TRUE(pass());
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V77U101:new", "V14U2:new", "V14U3:new", "V77U104:new", "V77U105:new",
                                            "V77U106:new"));
  // From here on they count again.
  server.folders["INBOX"].messages.erase(106);
  ASSERT_TRUE(pass());
  EXPECT_EQ(5U, files().size());
}

TEST_F(RematchTest, MailboxWithoutState_OnAnotherServer_IsRecognised) {
  fill(4);
  start();
  ASSERT_TRUE(synced());
  static_cast<void>(bodies());
  settings.name = "bob"; // of whom nothing is recorded
  renumber(9, 5);
  start();
  ASSERT_TRUE(synced());
  EXPECT_THAT(files(), UnorderedElementsAre("V9U6:new", "V9U7:new", "V9U8:new", "V9U9:new"));
  EXPECT_EQ(0U, bodies());
}

TEST_F(RematchTest, ServerThatRefusesTheQuestion_HasItsMailFetchedAnew) {
  fill(2);
  start();
  ASSERT_TRUE(synced());
  renumber(77, 10);
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.contains("HEADER.FIELDS")) return "%t BAD what?\r\n";
    return {};
  };
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V14U1:new", "V14U2:new", "V77U11:new", "V77U12:new"));
}

TEST_F(RematchTest, ServerThatHangsUpOnTheQuestion_HasItsMailFetchedInTheEnd) {
  fill(2);
  start();
  ASSERT_TRUE(synced());
  renumber(77, 10);
  const auto questions = std::make_shared<std::size_t>(0); // this test and the server, which outlives it
  server.answer = [questions](const std::string& command) -> std::optional<std::string> {
    if (!command.contains("HEADER.FIELDS")) return {};
    ++*questions;
    return "%close";
  };
  static_cast<void>(mailbox->sync_now([](Status) {}));
  for (std::size_t asked = 1; asked <= 3; ++asked) {
    ASSERT_TRUE(world.until([&] { return *questions == asked && mailbox->view().retry_at; }));
    ASSERT_NO_FATAL_FAILURE(pass_retry());
  }
  ASSERT_TRUE(synced());
  EXPECT_EQ(4U, files().size());
}

TEST_F(RematchTest, StoppedAtEachStep_EndsInTheSameState) {
  // Of the files' calls: a failing disk ends the pass at each of them in turn.
  for (std::size_t step = 1; step <= 12; ++step) {
    server.folders["INBOX"] = {};
    server.folders["INBOX"].validity = static_cast<std::uint32_t>(1000 + step);
    for (int i = 1; i <= 3; ++i)
      server.folders["INBOX"].deliver(with_id(static_cast<int>(step) * 10 + i));
    start();
    ASSERT_TRUE(synced());
    ASSERT_TRUE(pass());
    static_cast<void>(bodies());
    const std::size_t before = files().size();
    renumber(static_cast<std::uint32_t>(2000 + step), 100);
    disk.fail_at(step, "io_error");
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status) { done = true; }));
    ASSERT_TRUE(world.until([&] { return done || mailbox->view().retry_at; }));
    disk.kill();
    start();
    ASSERT_TRUE(synced());
    ASSERT_TRUE(pass());
    EXPECT_EQ(before, files().size()) << step;
    EXPECT_EQ(3, std::ranges::count_if(
                     files(), [&](const std::string& file) { return file.starts_with(concat('V', 2000 + step, 'U')); }))
        << step;
    EXPECT_EQ(0U, bodies()) << step;
  }
}

TEST_F(RematchTest, LoopOfChanges_IsLookedAtLessAndLessAndToldOf) {
  fill(2);
  start();
  ASSERT_TRUE(synced());
  for (std::uint32_t change = 1; change <= 3; ++change) {
    renumber(20 + change, 10);
    ASSERT_TRUE(pass());
    EXPECT_EQ(2U, files().size());
  }
  // The poll leaves it alone, over a restart too.
  start();
  ASSERT_TRUE(synced());
  const std::size_t asked = server.asked("EXAMINE");
  renumber(50, 10);
  start();
  ASSERT_TRUE(synced());
  EXPECT_EQ(asked, server.asked("EXAMINE"));
  EXPECT_TRUE(std::ranges::any_of(world.logged, [](const testing::LoggedFault& fault) {
    return fault.code == "uidvalidity_loop" && fault.folder == "INBOX";
  }));
  EXPECT_THAT(files(), UnorderedElementsAre("V23U31:new", "V23U32:new"));
  // An operator who asks gets an answer.
  ASSERT_TRUE(pass());
  EXPECT_THAT(files(), UnorderedElementsAre("V50U41:new", "V50U42:new"));
  // After the wait it is looked at by itself.
  renumber(51, 10);
  world.clock.advance(25h);
  start();
  ASSERT_TRUE(synced());
  EXPECT_THAT(files(), UnorderedElementsAre("V51U51:new", "V51U52:new"));
}

// courier-imap gives an empty folder a UIDVALIDITY of the moment at each EXAMINE, and keeps it from the first message
// on.
TEST_F(RematchTest, EmptyFolderNumberedAnewEachTime_IsNoLoop) {
  fill(0);
  start();
  ASSERT_TRUE(synced());
  for (std::uint32_t validity = 20; validity < 30; ++validity) {
    renumber(validity, 0);
    ASSERT_TRUE(pass());
  }
  EXPECT_THAT(world.logged, ::testing::IsEmpty());
  renumber(30, 0);
  fill(1);
  start(); // nobody asks for this pass, so a wait would hold it up
  ASSERT_TRUE(synced());
  EXPECT_THAT(files(), UnorderedElementsAre("V30U1:new"));
}

} // namespace
} // namespace mailmoor::mailbox
