#include "model/folder_name.h"

#include "util/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace mailmoor {
namespace {

using ::testing::ElementsAre;

TEST(FolderName, Inbox_HasOneSpelling) { // RFC 9051 §5.1
  EXPECT_TRUE(FolderName::from_wire("inBox", '/').is_inbox());
  EXPECT_EQ(FolderName::from_wire("inbox", '\0'), FolderName::inbox());
  EXPECT_EQ(FolderName::from_wire("Inbox.Sent", '.').wire(), "INBOX.Sent");
  EXPECT_EQ(FolderName::from_wire("Inbox.Sent", '/').wire(), "Inbox.Sent");
  EXPECT_EQ(FolderName::from_wire("inboxes", '/').wire(), "inboxes");
  EXPECT_FALSE(FolderName::from_wire("INBOX/a", '/').is_inbox());
  EXPECT_EQ(FolderName::from_wire("inb", '/').wire(), "inb");
}

TEST(FolderName, ModifiedUtf7_IsDecodedForPeopleOnly) {
  const FolderName name = FolderName::from_wire("Gel&APY-scht", '/');
  EXPECT_EQ(name.utf8(), "Gel\xC3\xB6scht");
  EXPECT_EQ(name.wire(), "Gel&APY-scht");
}

TEST(FolderName, OtherBytes_AreKeptOnTheWireAndShownSafely) {
  EXPECT_EQ(FolderName::from_wire("caf\xC3\xA9", '/').utf8(), "caf\xC3\xA9"); // a server that sends UTF-8
  const FolderName latin1 = FolderName::from_wire("caf\xE9", '/');
  EXPECT_EQ(latin1.wire(), "caf\xE9");
  EXPECT_EQ(latin1.utf8(), "caf%E9");
  EXPECT_EQ(FolderName::from_wire("R&D", '/').utf8(), "R&D");
}

TEST(FolderName, Components_AreSplitAtTheDelimiter) {
  EXPECT_THAT(FolderName::from_wire("a/b/c", '/').components(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(FolderName::from_wire("a/b", '.').components(), ElementsAre("a/b"));
  EXPECT_THAT(FolderName::from_wire("a/b", '\0').components(), ElementsAre("a/b"));
  EXPECT_THAT(FolderName::from_wire("/a//", '/').components(), ElementsAre("", "a", "", ""));
  EXPECT_THAT(FolderName::from_wire("", '/').components(), ElementsAre(""));
}

TEST(FolderName, HostileComponents_ArePassedOnUnchanged) { // maildir/ escapes them
  EXPECT_THAT(FolderName::from_wire("../../etc", '/').components(), ElementsAre("..", "..", "etc"));
}

TEST(FolderName, OrderAndEquality_FollowTheWire) {
  EXPECT_EQ(FolderName::from_wire("a", '/'), FolderName::from_wire("a", '.'));
  EXPECT_NE(FolderName::from_wire("a", '/'), FolderName::from_wire("&AGE-", '/')); // the same text, another folder
  EXPECT_LT(FolderName::from_wire("a", '/'), FolderName::from_wire("b", '/'));
}

TEST(FolderName, AnyBytes_GiveValidUtf8) {
  std::mt19937 random(4);
  for (int round = 0; round < 20'000; ++round) {
    std::string wire(random() % 10, '\0');
    for (char& byte : wire)
      byte = random() % 3 == 0 ? '&' : static_cast<char>(random() & 0xFF);
    const FolderName name = FolderName::from_wire(wire, '/');
    ASSERT_TRUE(is_valid_utf8(name.utf8()));
    ASSERT_GE(name.components().size(), 1U);
  }
}

} // namespace
} // namespace mailmoor
