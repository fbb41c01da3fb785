// One message in several folders of a server that says so (X-GM-EXT-1): where it is linked, and where it is fetched.
// Passes that are stopped anywhere: tests/history.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

class GmailTest : public MailboxWorld {
 protected:
  void SetUp() override {
    settings.push = false;
    settings.poll = 24h;
    server.capabilities += " X-GM-EXT-1";
    server.folders["Work"] = {.validity = 15};
  }
  // Message `id` in these folders.
  void deliver(std::uint64_t id, std::initializer_list<std::string> folders) {
    for (const std::string& name : folders) {
      ImapServer::Folder& folder = server.folders[name];
      folder.gmail_ids[folder.deliver(message(concat("m ", id)))] = id;
    }
  }
  [[nodiscard]] bool pass() {
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status) { done = true; }));
    return world.until([&done] { return done; });
  }
  [[nodiscard]] bool starts() {
    start();
    return pass();
  }
  // Of all folders together.
  [[nodiscard]] std::size_t bodies() const {
    std::size_t count = 0;
    for (const std::string& command : server.commands)
      if (command.contains("BODY.PEEK[]")) count += UidSet::parse(command.substr(10, command.find(" (") - 10))->size();
    return count;
  }
  [[nodiscard]] std::size_t questions() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(server.commands, [](const std::string& each) { return each.contains("X-GM-MSGID"); }));
  }
  void answer_questions_with(std::string text) {
    server.answer = [text = std::move(text)](const std::string& command) -> std::optional<std::string> {
      if (command.contains("X-GM-MSGID")) return text;
      return {};
    };
  }
};

TEST_F(GmailTest, MessageOfTwoFolders_ComesOnceAndIsCounted) {
  deliver(1, {"INBOX", "Work"});
  deliver(2, {"INBOX"});
  deliver(3, {"Work"});
  server.folders["Work"].flags[1] = "\\Seen \\Flagged";
  ASSERT_TRUE(starts());
  EXPECT_EQ(bodies(), 3U);
  EXPECT_EQ(delivered(), 2U);
  EXPECT_EQ(disk.links(), 1U);
  EXPECT_EQ(disk.files("/mail/alice/.Work/cur").begin()->first.substr(10), ".V15U1.test.example,S=20:2,FS");
  EXPECT_EQ(world.counters.mailboxes["alice"].delivered, 4U) << "a new message is a new message";
  EXPECT_EQ(mailbox->view().behind, 0U);
  EXPECT_EQ(mailbox->view().fetched, 3U);
  // Another pass asks for nothing, a new run neither.
  const std::size_t asked = questions();
  ASSERT_TRUE(pass());
  ASSERT_TRUE(starts());
  EXPECT_EQ(questions(), asked);
  EXPECT_EQ(bodies(), 3U);
}

TEST_F(GmailTest, OtherServers_AreNotAsked) {
  server.capabilities = "IMAP4rev1 SASL-IR AUTH=PLAIN";
  deliver(1, {"INBOX", "Work"});
  ASSERT_TRUE(starts());
  EXPECT_EQ(bodies(), 2U);
  EXPECT_EQ(questions(), 0U);
}

TEST_F(GmailTest, FirstFolderOfAll_IsFetchedBeforeItIsAskedAbout) {
  for (std::uint64_t id = 1; id <= 30; ++id)
    deliver(id, {"INBOX"});
  ASSERT_TRUE(starts());
  const auto is_body = [](const std::string& each) { return each.contains("BODY.PEEK[]"); };
  const auto is_question = [](const std::string& each) { return each.contains("X-GM-MSGID"); };
  const auto first = std::ranges::find_if(server.commands, is_question);
  ASSERT_NE(first, server.commands.end());
  EXPECT_TRUE(std::any_of(server.commands.begin(), first, is_body)) << "nobody waits for what cannot be linked";
}

TEST_F(GmailTest, DiskWithoutLinks_GetsEachMessageOfEachFolder) {
  disk.offer_links(false);
  deliver(1, {"INBOX", "Work"});
  ASSERT_TRUE(starts());
  EXPECT_EQ(bodies(), 2U);
  EXPECT_EQ(delivered(".Work"), 1U);
}

TEST_F(GmailTest, NoRecords_TheMaildirIsEnough) {
  deliver(1, {"INBOX", "Work"});
  deliver(2, {"INBOX"});
  ASSERT_TRUE(starts());
  mailbox.reset();
  ASSERT_TRUE(world.state.forget_mailbox_blocking("alice"));
  ASSERT_TRUE(starts());
  EXPECT_EQ(bodies(), 2U) << "nothing again";
  deliver(2, {"Work"});
  ASSERT_TRUE(pass());
  EXPECT_EQ(bodies(), 2U) << "and it is known again which message is which";
  EXPECT_EQ(delivered(".Work"), 2U);
}

TEST_F(GmailTest, MessageThatOneFolderDoesNotGive_IsTakenFromTheOther) {
  deliver(1, {"Work"});
  server.folders["Work"].withheld.insert(1);
  ASSERT_TRUE(starts());
  ASSERT_EQ(mailbox->folders().at("Work").recorded.retries.size(), 1U);
  deliver(1, {"INBOX"});
  world.clock.advance(2h);
  ASSERT_TRUE(pass());
  EXPECT_TRUE(mailbox->folders().at("Work").recorded.retries.empty());
  EXPECT_EQ(delivered(".Work"), 1U);
}

TEST_F(GmailTest, RefusedQuestion_CostsADownloadOnly) {
  deliver(1, {"INBOX"});
  ASSERT_TRUE(starts());
  deliver(1, {"Work"});
  answer_questions_with("%t NO some of it is gone\r\n");
  ASSERT_TRUE(pass());
  EXPECT_EQ(delivered(".Work"), 1U);
  EXPECT_EQ(mailbox->view().state, MailboxState::kIdle);
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(GmailTest, QuestionThatIsNotUnderstood_IsNotAskedAgainInTheSession) {
  deliver(1, {"INBOX"});
  ASSERT_TRUE(starts());
  deliver(1, {"Work"});
  deliver(2, {"Work"});
  answer_questions_with("%t BAD Could not parse command\r\n");
  const std::size_t asked = questions();
  ASSERT_TRUE(pass());
  deliver(3, {"INBOX", "Work"});
  ASSERT_TRUE(pass());
  EXPECT_EQ(questions(), asked + 1);
  EXPECT_EQ(delivered(".Work"), 3U);
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(GmailTest, AnswersThatNobodyAskedFor_LinkNothing) {
  deliver(1, {"INBOX"});
  ASSERT_TRUE(starts());
  deliver(1, {"Work"});
  // Of another message, without what a name takes, and twice.
  answer_questions_with("* 1 FETCH (UID 77 X-GM-MSGID 1 FLAGS () INTERNALDATE \"14-Nov-2023 22:13:20 +0000\""
                        " RFC822.SIZE 23)\r\n* 1 FETCH (UID 1 X-GM-MSGID 1)\r\n%t OK done\r\n");
  ASSERT_TRUE(pass());
  EXPECT_EQ(disk.links(), 0U);
  EXPECT_EQ(delivered(".Work"), 1U);
}

TEST_F(GmailTest, BackfillThatWaitsForItsBytes_IsAskedAboutOnce) {
  settings.daily_bytes = 200'000;
  deliver(100, {"INBOX"});
  ImapServer::Folder& work = server.folders["Work"];
  for (std::uint64_t id = 1; id <= 30; ++id)
    work.gmail_ids[work.deliver(message(concat("m ", id)) + std::string(20'000, 'x') + "\r\n")] = id;
  ASSERT_TRUE(starts());
  const std::size_t here = delivered(".Work");
  ASSERT_TRUE(here > 0 && here < 20) << here;
  const auto summaries = [this] {
    std::vector<std::string> of;
    for (const std::string& command : server.commands)
      if (command.contains("RFC822.SIZE X-GM-MSGID")) of.push_back(command.substr(0, command.find(" (")));
    return of;
  };
  EXPECT_EQ(summaries(), std::vector<std::string>{"UID FETCH 1:30"});
  deliver(31, {"Work"});
  ASSERT_TRUE(pass());
  EXPECT_EQ(delivered(".Work"), here + 1) << "new mail comes";
  EXPECT_EQ(summaries().back(), "UID FETCH 31");
}

TEST_F(GmailTest, FullDiskWhileLinking_EndsThePassAndTheNextOneLinks) {
  deliver(1, {"INBOX"});
  ASSERT_TRUE(starts());
  deliver(1, {"Work"});
  disk.before_link = [this](const std::string&) { disk.fail_at(1); };
  ASSERT_TRUE(pass());
  EXPECT_EQ(mailbox->view().state, MailboxState::kBackingOff);
  disk.before_link = {};
  pass_retry();
  ASSERT_TRUE(becomes(MailboxState::kIdle));
  EXPECT_EQ(delivered(".Work"), 1U);
  EXPECT_EQ(bodies(), 1U);
}

// Only new messages are asked for their labels: what an earlier run has found is not found again.
TEST_F(GmailTest, HiddenLabel_IsStillShownAsSuchByAnotherRun) {
  deliver(1, {"INBOX", "All"});
  server.folders.erase("Work");
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("LIST")) return "* LIST () \"/\" INBOX\r\n* LIST (\\All) \"/\" All\r\n%t OK done\r\n";
    if (!command.contains("X-GM-LABELS")) return {};
    return "* 1 FETCH (UID 1 X-GM-MSGID 1 X-GM-LABELS (\"\\\\Inbox\" Bills) FLAGS () INTERNALDATE"
           " \"14-Nov-2023 22:13:20 +0000\" RFC822.SIZE 23)\r\n%t OK done\r\n";
  };
  const auto asked = [this] {
    return std::ranges::count_if(server.commands, [](const auto& each) { return each.contains("X-GM-LABELS"); });
  };
  for (int run = 1; run <= 2; ++run) {
    ASSERT_TRUE(starts());
    EXPECT_EQ(1, asked());
    ASSERT_TRUE(mailbox->folders().contains("Bills")) << "run " << run;
    EXPECT_TRUE(mailbox->folders().at("Bills").why.contains("Show in IMAP"));
    world.run_ready();
    EXPECT_THAT(world.state.load_mailbox_blocking("alice")->gmail_labels, ::testing::ElementsAre("Bills"));
  }
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("LIST"))
      return "* LIST () \"/\" INBOX\r\n* LIST (\\All) \"/\" All\r\n* LIST () \"/\" Bills\r\n%t OK done\r\n";
    return {};
  };
  server.folders["Bills"];
  ASSERT_TRUE(starts());
  EXPECT_TRUE(mailbox->folders().at("Bills").chosen);
  world.run_ready();
  EXPECT_THAT(world.state.load_mailbox_blocking("alice")->gmail_labels, ::testing::IsEmpty());
}

} // namespace
} // namespace mailmoor::mailbox
