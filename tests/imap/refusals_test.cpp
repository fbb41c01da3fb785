// What was answered with BAD is not said again in the same session.
#include "imap/conversation.h"
#include "util/concat.h"

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;

TEST(Refusals, CommandCalledWrong_IsAnsweredWithoutTheServer) {
  Conversation conversation;
  conversation.open();
  conversation.session.status(FolderName::from_wire("Odd", '/'));
  EXPECT_EQ(conversation.said(), "A2 STATUS \"Odd\" (MESSAGES UIDNEXT UIDVALIDITY)\r\n");
  const std::string answer = "BAD Command Argument Error. 12 command=STATUS \"Odd\" (MESSAGES UIDNEXT UIDVALIDITY)";
  EXPECT_THAT(conversation.hear("A2 BAD Command Argument Error. 12\r\n"), ElementsAre("Completed A2 " + answer));

  const CommandId again = conversation.session.status(FolderName::from_wire("Odd", '/'));
  EXPECT_EQ(again.value(), 3U);
  EXPECT_EQ(conversation.said(), "");
  EXPECT_EQ(conversation.session.commands_pending(), 0U);
  std::vector<std::string> trace;
  drain(conversation.session, trace);
  EXPECT_THAT(trace, ElementsAre("Completed A3 " + answer));
  conversation.session.noop();
  EXPECT_EQ(conversation.said(), "A4 NOOP\r\n");
}

TEST(Refusals, FolderThatIsOpen_StaysOpenWhenAnotherIsNotOpened) {
  Conversation conversation;
  conversation.hear("* PREAUTH hi\r\n");
  conversation.session.examine(FolderName::from_wire("Odd", '/'));
  conversation.hear("A1 BAD Command Error. 10\r\n");
  conversation.session.examine(FolderName::inbox());
  conversation.hear("* 3 EXISTS\r\nA2 OK done\r\n");
  conversation.said();
  conversation.session.examine(FolderName::from_wire("Odd", '/'));
  EXPECT_EQ(conversation.said(), "");
  ASSERT_TRUE(conversation.session.selected());
  EXPECT_TRUE(conversation.session.selected()->name.is_inbox()) << "as it is for the server";
}

TEST(Refusals, WordsAboutTheServer_AreNoneAboutTheCommand) {
  for (const std::string_view text :
       {"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", "BAD Server Unavailable. 15",
        "BAD User is authenticated but not connected.", "BAD Command received in Invalid state.",
        "BAD [UNAVAILABLE] later", "NO Command Argument Error. 12", "OK done", "what is this"}) {
    Conversation conversation;
    conversation.open();
    conversation.session.noop();
    conversation.hear(concat("A2 ", text, "\r\n"));
    conversation.said();
    conversation.session.noop();
    EXPECT_EQ(conversation.said(), "A3 NOOP\r\n") << text;
  }
}

TEST(Refusals, Login_IsNeverTakenForTheSame) {
  Conversation conversation;
  conversation.hear("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\n");
  for (const std::string_view tag : {"A1", "A2"}) {
    ASSERT_TRUE(conversation.session.authenticate(
        {SaslMechanism::kPlain, "alice", Secret(concat("pw", tag)), "mail.example.org", 993}));
    EXPECT_THAT(conversation.said(), testing::StartsWith(concat(tag, " AUTHENTICATE PLAIN ")));
    conversation.hear(concat(tag, " BAD no\r\n"));
  }
}

TEST(Refusals, OldOnes_GoWhenThereAreMany) {
  Refusals refusals;
  Completed bad(CommandId(1U), CompletionStatus::kBad);
  bad.text = "Command Error. 10";
  for (int number = 0; number < 100; ++number)
    refusals.note(concat("STATUS ", number), bad);
  EXPECT_FALSE(refusals.answer_to("STATUS 0"));
  EXPECT_EQ(refusals.answer_to("STATUS 99"), "Command Error. 10");
}

TEST(Refusals, ListWithReturn_IsAskedForPlainlyFromThenOn) {
  Conversation conversation;
  conversation.hear("* PREAUTH [CAPABILITY IMAP4rev2 LIST-STATUS LIST-EXTENDED SPECIAL-USE] hi\r\n");
  conversation.session.list_all(/*with_status=*/true);
  EXPECT_EQ(conversation.said(), "A1 LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))\r\n");
  conversation.hear("A1 NO [UNAVAILABLE] later\r\n");
  EXPECT_TRUE(conversation.session.can_list_status()) << "nothing is wrong with the command";
  conversation.session.list_all(/*with_status=*/true);
  conversation.said();
  conversation.hear("A2 BAD Command Argument Error. 12\r\n");
  EXPECT_FALSE(conversation.session.can_list_status());
  EXPECT_FALSE(conversation.session.can_list_return());
  conversation.session.list_all(/*with_status=*/true);
  EXPECT_EQ(conversation.said(), "A3 LIST \"\" \"*\"\r\n");
}

TEST(Refusals, GmailItems_AreAskedForByCapabilityUntilTheyAreRefused) {
  Conversation conversation;
  conversation.hear("* PREAUTH [CAPABILITY IMAP4rev1] imap.gmail.com\r\n");
  EXPECT_FALSE(conversation.session.has_gmail_items()) << "never by name";
  conversation.hear("* CAPABILITY IMAP4rev1 X-GM-EXT-1\r\n");
  EXPECT_TRUE(conversation.session.has_gmail_items());
  conversation.session.uid_fetch_gmail_ids(*UidSet::parse("1:3,7"));
  EXPECT_EQ(conversation.said(), "A1 UID FETCH 1:3,7 (UID X-GM-MSGID)\r\n");
  conversation.session.uid_fetch_gmail_summaries(*UidSet::parse("1"), /*with_labels=*/false);
  EXPECT_EQ(conversation.said(), "A2 UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE X-GM-MSGID)\r\n");
  conversation.session.uid_fetch_gmail_summaries(*UidSet::parse("1"), /*with_labels=*/true);
  EXPECT_EQ(conversation.said(), "A3 UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE X-GM-MSGID X-GM-LABELS)\r\n");
  conversation.hear("A1 NO some messages are gone\r\nA2 OK Success\r\n");
  EXPECT_TRUE(conversation.session.has_gmail_items()) << "nothing is wrong with the command";
  conversation.hear("A3 BAD Could not parse command\r\n");
  EXPECT_FALSE(conversation.session.has_gmail_items());
}

} // namespace
} // namespace mailmoor::imap
