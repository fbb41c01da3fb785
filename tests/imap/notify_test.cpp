// One connection that hears of all folders (RFC 5465).
#include "imap/conversation.h"
#include "util/concat.h"

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;

constexpr std::string_view kAll = "NOTIFY SET STATUS (selected (MessageNew MessageExpunge FlagChange)) (personal "
                                  "(MessageNew MessageExpunge FlagChange "
                                  "MailboxName))\r\n";

[[nodiscard]] bool can_notify(std::string_view offered, std::string_view greeting = "hi") {
  Conversation conversation;
  conversation.hear(concat("* PREAUTH [CAPABILITY ", offered, "] ", greeting, "\r\n"));
  return conversation.session.can_notify();
}

TEST(Notify, Offered_IsUsedTogetherWithIdleAndNeverOnExchange) {
  EXPECT_TRUE(can_notify("IMAP4rev1 IDLE NOTIFY"));
  EXPECT_FALSE(can_notify("IMAP4rev1 IDLE"));
  EXPECT_FALSE(can_notify("IMAP4rev1 NOTIFY"));
  EXPECT_FALSE(can_notify("IMAP4rev1 IDLE NOTIFY", "Microsoft Exchange IMAP4 service ready."));
}

// As Dovecot 2.3 says it.
TEST(Notify, Told_ComesAsStatusAndListBesidesTheOpenFolder) {
  Conversation conversation;
  conversation.open("IMAP4rev1 IDLE NOTIFY");
  conversation.session.notify_of_all(/*flag_changes=*/true);
  EXPECT_EQ(concat("A2 ", kAll), conversation.said());
  EXPECT_THAT(
      conversation.hear("* STATUS Archive/2024 (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 8 UNSEEN 1 HIGHESTMODSEQ 2)\r\n"
                        "A2 OK NOTIFY completed.\r\n"),
      ElementsAre("Status Archive/2024 messages=2 validity=8 next=3 modseq=2", "Completed A2 OK NOTIFY completed."));
  conversation.session.idle();
  EXPECT_EQ("A3 IDLE\r\n", conversation.said());
  EXPECT_THAT(conversation.hear("+ idling\r\n* STATUS Sent (MESSAGES 3 UIDNEXT 4 UNSEEN 1 HIGHESTMODSEQ 3)\r\n"
                                "* 4 EXISTS\r\n* VANISHED 2\r\n"
                                "* STATUS Sent (UNSEEN 0 HIGHESTMODSEQ 4)\r\n"
                                "* LIST (\\HasNoChildren) \"/\" New/Two (\"OLDNAME\" (New/One))\r\n"
                                "* LIST (\\NonExistent) \"/\" New/Two\r\n"),
              ElementsAre("IdleStarted A3", "Status Sent messages=3 next=4 modseq=3", "Exists 4", "Vanished 2",
                          "Status Sent messages=0 modseq=4", "List New/Two by / \\hasnochildren",
                          "List New/Two by / \\nonexistent unselectable"));
  conversation.session.done();
  conversation.session.notify_of_selected(/*flag_changes=*/true);
  EXPECT_EQ("DONE\r\n", conversation.said());
  conversation.hear("A3 OK done\r\n");
  EXPECT_EQ("A4 NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))\r\n", conversation.said());
}

TEST(Notify, FlagsNotWanted_AreNotAskedFor) {
  Conversation conversation;
  conversation.open("IMAP4rev1 IDLE NOTIFY");
  conversation.session.notify_of_all(/*flag_changes=*/false);
  EXPECT_EQ("A2 NOTIFY SET STATUS (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge "
            "MailboxName))\r\n",
            conversation.said());
}

TEST(Notify, Refused_IsNotOfferedAnyMoreInThisSession) {
  for (const std::string_view refusal :
       {"NO [BADEVENT (MailboxName)] no such event", "NO [NOTIFICATIONOVERFLOW] too much", "BAD what", "NO no"}) {
    Conversation conversation;
    conversation.open("IMAP4rev1 IDLE NOTIFY");
    conversation.session.notify_of_all(/*flag_changes=*/true);
    conversation.hear(concat("A2 ", refusal, "\r\n"));
    EXPECT_FALSE(conversation.session.can_notify()) << refusal;
  }
}

TEST(Notify, ServerThatCannotKeepUp_HasRefused) {
  Conversation conversation;
  conversation.open("IMAP4rev1 IDLE NOTIFY");
  conversation.session.notify_of_all(/*flag_changes=*/true);
  conversation.hear("A2 OK done\r\n");
  EXPECT_TRUE(conversation.session.can_notify());
  conversation.hear("* OK [NOTIFICATIONOVERFLOW] ...A comment can go here...\r\n");
  EXPECT_FALSE(conversation.session.can_notify());
}

} // namespace
} // namespace mailmoor::imap
