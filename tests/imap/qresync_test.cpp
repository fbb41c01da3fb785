// What is asked of servers that keep mod-sequences (RFC 7162).
#include "imap/conversation.h"
#include "util/concat.h"

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;

TEST(Qresync, Examine_AsksForModSequencesWhereTheyAreOffered) {
  for (const std::string_view offered : {"IMAP4rev1 CONDSTORE", "IMAP4rev1 QRESYNC"}) {
    Conversation conversation;
    conversation.hear(concat("* PREAUTH [CAPABILITY ", offered, "] hi\r\n"));
    conversation.session.examine(FolderName::inbox());
    EXPECT_EQ(conversation.said(), "A1 EXAMINE \"INBOX\" (CONDSTORE)\r\n");
  }
}

TEST(Qresync, Enable_IsUsedOnlyOnceTheServerHasSaidThatItIsEnabled) {
  Conversation conversation;
  conversation.hear("* PREAUTH [CAPABILITY IMAP4rev1 ENABLE CONDSTORE QRESYNC] hi\r\n");
  ASSERT_TRUE(conversation.session.enable_qresync());
  EXPECT_EQ(conversation.said(), "A1 ENABLE QRESYNC\r\n");
  conversation.hear("* ENABLED CONDSTORE\r\n");
  EXPECT_FALSE(conversation.session.qresync_enabled());
  conversation.hear("* ENABLED qresync CONDSTORE\r\nA1 OK done\r\n");
  ASSERT_TRUE(conversation.session.qresync_enabled());
  conversation.session.examine(FolderName::inbox(), ExamineParameters::Since{*UidValidity::from(9), *ModSeq::from(5)});
  EXPECT_EQ(conversation.said(), "A2 EXAMINE \"INBOX\" (QRESYNC (9 5))\r\n");
  EXPECT_THAT(
      conversation.hear("* 3 EXISTS\r\n* VANISHED (EARLIER) 2\r\n* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (6))\r\n"),
      ElementsAre("Exists 3", "Vanished earlier 2", "Fetched 1 uid=1 flags=S modseq=6"));
  conversation.session.uid_fetch_changes(UidRange{1, 9}, *ModSeq::from(5));
  EXPECT_EQ(conversation.said(), "") << "EXAMINE stands alone";
  conversation.hear("A2 OK done\r\n");
  EXPECT_EQ(conversation.said(), "A3 UID FETCH 1:9 (UID FLAGS) (CHANGEDSINCE 5)\r\n");
}

TEST(Qresync, Enable_IsNotAskedForWhereItIsNotOfferedOrNotKeptTo) {
  const auto asks = [](std::string_view offered, std::string_view host) {
    Quirks quirks;
    quirks.extensions = extension_quirks(host);
    Conversation conversation({}, quirks);
    conversation.hear(concat("* PREAUTH [CAPABILITY IMAP4rev1 ", offered, "] hi\r\n"));
    return conversation.session.enable_qresync().has_value();
  };
  EXPECT_TRUE(asks("ENABLE QRESYNC", "imap.example.org"));
  EXPECT_FALSE(asks("ENABLE CONDSTORE", "imap.gmail.com"));
  EXPECT_FALSE(asks("QRESYNC", "imap.example.org")) << "there is no way to enable it";
  EXPECT_FALSE(asks("ENABLE QRESYNC", "imap.mail.me.com"));
  EXPECT_FALSE(asks("ENABLE QRESYNC", "p42-IMAP.mail.me.com"));
  EXPECT_TRUE(asks("ENABLE QRESYNC", "imap.mail.me.com.example.org"));
}

} // namespace
} // namespace mailmoor::imap
