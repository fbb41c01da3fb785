// A pass hands the connection on to the next folder's as soon as it has asked for everything.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kAllOfTwo = "UID FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])";

class HandOnTest : public MailboxWorld {
 protected:
  HandOnTest() {
    for (const char* const name : {"INBOX", "Archive", "Lists", "Sent"})
      for (const char* const subject : {"one", "two"})
        server.folders[name].deliver(message(concat(name, ' ', subject)));
  }
  // LIST-STATUS, with so many messages a folder.
  void list_with_status(std::uint32_t messages) {
    server.capabilities += " LIST-STATUS";
    server.answer = [this, messages](const std::string& command) -> std::optional<std::string> {
      if (!command.starts_with("LIST")) return {};
      std::string text;
      for (const auto& [name, folder] : server.folders)
        text += concat("* LIST () \"/\" \"", name, "\"\r\n* STATUS \"", name, "\" (MESSAGES ", messages, " UIDNEXT ",
                       folder.next, " UIDVALIDITY ", folder.validity, ")\r\n");
      return text + "%t OK done\r\n";
    };
  }
  // What had been sent behind each of these.
  [[nodiscard]] std::vector<std::string> behind(const std::string& command) const {
    std::vector<std::string> texts;
    for (auto [at, end] = server.waiting.equal_range(command); at != end; ++at)
      texts.push_back(at->second);
    return texts;
  }
  void expect_all_delivered() {
    EXPECT_EQ(2U, delivered());
    for (const char* const name : {".Archive", ".Lists", ".Sent"})
      EXPECT_EQ(2U, delivered(name)) << name;
    EXPECT_EQ(0U, mailbox->view().behind);
    EXPECT_TRUE(mailbox->view().last_sync);
    EXPECT_EQ(1, server.connections);
  }
};

TEST_F(HandOnTest, NextFolder_IsOpenedBehindTheLastFetchOfThisOne) {
  start();
  ASSERT_TRUE(idles());
  expect_all_delivered();
  EXPECT_THAT(behind(std::string(kAllOfTwo)),
              ElementsAre(HasSubstr("EXAMINE \"Archive\""), HasSubstr("EXAMINE \"Lists\""),
                          HasSubstr("EXAMINE \"Sent\""), IsEmpty()));
  for (const char* const name : {"Archive", "Lists", "Sent"})
    EXPECT_THAT(behind(concat("EXAMINE \"", name, '"')), ElementsAre(IsEmpty())) << "its size is not known";
}

TEST_F(HandOnTest, NextFolder_IsListedWithTheSameWriteWhereItsSizeIsKnown) {
  list_with_status(2);
  start();
  ASSERT_TRUE(idles());
  expect_all_delivered();
  for (const char* const name : {"INBOX", "Archive", "Lists", "Sent"})
    EXPECT_THAT(behind(concat("EXAMINE \"", name, '"')).front(), HasSubstr(" UID FETCH 1:4294967295 (UID FLAGS)\r\n"));
  EXPECT_EQ(4U, server.asked("UID FETCH 1:4294967295 (UID FLAGS)")) << "it is asked for once";
}

TEST_F(HandOnTest, NextFolder_TurnsOutToBeEmpty_TheAnswerIsNobodys) {
  list_with_status(2);
  server.folders["Lists"].messages.clear();
  server.folders["Lists"].withheld.clear();
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(0U, delivered(".Lists"));
  EXPECT_EQ(2U, delivered(".Sent"));
  EXPECT_EQ(2U, delivered(".Archive"));
}

// LIST-STATUS has told of a third message, EXAMINE does not: the answer is nobody's, and the pause in it everybody's.
TEST_F(HandOnTest, LastFolder_TurnsOutToBeUnchanged_ThePauseInTheAnswerIsObeyed) {
  list_with_status(2);
  start();
  ASSERT_TRUE(idles());
  list_with_status(3);
  server.answer = [listed = server.answer,
                   lists = 0](const std::string& command) mutable -> std::optional<std::string> {
    if (command.contains("(UID FLAGS)") && ++lists == 4)
      return "%t NO Request is throttled. Suggested Backoff Time: 60000 milliseconds\r\n";
    return listed(command);
  };
  settings.once = true;
  start();
  ASSERT_TRUE(world.until([&] { return mailbox->finished().is_set(); }));
  ASSERT_TRUE(mailbox->last_error());
  EXPECT_EQ("throttled", mailbox->last_error()->code);
  EXPECT_EQ(0U, server.asked("LOGOUT"));
}

TEST_F(HandOnTest, NextFolder_IsNumberedAnewMeanwhile_ItsFilesAreMatched) {
  start();
  ASSERT_TRUE(idles());
  list_with_status(3);
  for (auto& [name, folder] : server.folders)
    folder.deliver(message("three"));
  server.answer = [this, listed = server.answer](const std::string& command) -> std::optional<std::string> {
    if (command == "EXAMINE \"Lists\"") server.folders["Lists"].validity = 99;
    return listed(command);
  };
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(3U, delivered(".Lists"));
  EXPECT_EQ(3U, delivered(".Sent"));
  EXPECT_EQ(99U, mailbox->folders().at("Lists").recorded.validity->value());
}

TEST_F(HandOnTest, NextFolderRefused_NothingOfAnotherOneIsTakenForIts) {
  for (const bool lists : {false, true}) {
    if (lists) list_with_status(2);
    server.answer = [listed = server.answer](const std::string& command) -> std::optional<std::string> {
      if (command == "EXAMINE \"Lists\"") return "%t NO Server Unavailable. 15\r\n";
      return listed(command);
    };
    settings.maildir = lists ? "/mail/second" : "/mail/first";
    start();
    ASSERT_TRUE(idles());
    const auto files = [&](const std::string& name) { return disk.files(settings.maildir + name + "/new").size(); };
    EXPECT_EQ(2U, files(""));
    EXPECT_EQ(2U, files("/.Archive"));
    EXPECT_EQ(0U, files("/.Lists"));
    EXPECT_EQ(2U, files("/.Sent"));
    EXPECT_FALSE(mailbox->last_error());
    EXPECT_FALSE(mailbox->view().last_sync) << "the pass was not complete";
  }
}

TEST_F(HandOnTest, MessageThatDoesNotCome_IsAskedForAloneInTheSamePass) {
  for (auto& [name, folder] : server.folders)
    folder.withheld.insert(1);
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, delivered());
  EXPECT_EQ(1U, delivered(".Lists"));
  EXPECT_EQ(0U, mailbox->view().behind);
  EXPECT_TRUE(mailbox->view().last_sync);
  for (const auto& [name, folder] : mailbox->folders()) {
    ASSERT_EQ(1U, folder.recorded.retries.size()) << name;
    EXPECT_EQ(1U, folder.recorded.retries[0].uid.value());
    EXPECT_EQ(1U, folder.recorded.retries[0].strikes) << "it was given up once, for what it is";
  }
}

TEST_F(HandOnTest, MessageDeletedMeanwhile_IsNoFault) {
  server.answer = [this](const std::string& command) -> std::optional<std::string> {
    if (command == kAllOfTwo)
      for (auto& [name, folder] : server.folders)
        folder.messages.erase(1);
    return {};
  };
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(1U, delivered(".Sent"));
  for (const auto& [name, folder] : mailbox->folders())
    EXPECT_THAT(folder.recorded.retries, IsEmpty()) << name;
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(HandOnTest, LineCutWhileTheNextFolderOpens_NoMessageIsToBlame) {
  server.answer = [cut = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command == "EXAMINE \"Lists\"" && std::exchange(cut, false)) return "%close";
    return {};
  };
  start();
  ASSERT_TRUE(world.until([this] { return mailbox->view().retry_at.has_value(); }));
  pass_retry();
  ASSERT_TRUE(idles());
  EXPECT_EQ(2U, delivered());
  EXPECT_EQ(2U, delivered(".Archive"));
  EXPECT_EQ(2U, delivered(".Lists"));
  for (const auto& [name, folder] : mailbox->folders())
    EXPECT_THAT(folder.recorded.retries, IsEmpty()) << name;
}

TEST_F(HandOnTest, Microsoft_EachCommandWaitsForTheFolderBefore) {
  server.greeting = "* OK The Microsoft Exchange IMAP4 service is ready. [TQBXAEEA]\r\n";
  list_with_status(2);
  start();
  ASSERT_TRUE(idles());
  expect_all_delivered();
  for (const auto& [command, behind] : server.waiting)
    EXPECT_THAT(behind, Not(HasSubstr("EXAMINE"))) << command;
  for (const char* const name : {"INBOX", "Archive", "Lists", "Sent"})
    EXPECT_THAT(behind(concat("EXAMINE \"", name, '"')).front(), IsEmpty());
}

} // namespace
} // namespace mailmoor::mailbox
