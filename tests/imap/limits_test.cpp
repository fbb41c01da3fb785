// Every limit: what is at it passes, what is over it ends the session, however the stream is cut.
#include "imap/conversation.h"

#include <fstream>
#include <unistd.h>

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

TEST(Limits, Line) {
  const Limits limits{.line = 20};
  EXPECT_THAT(events_of("* OK " + std::string(14, 'x') + "\r\n", limits), ElementsAre(StartsWith("Text OK xxx")));
  EXPECT_THAT(events_of("* OK " + std::string(16, 'x') + "\r\n", limits), ElementsAre("Failed limit_exceeded"));
}

TEST(Limits, HeldLiteral) {
  const Limits limits{.literal = 10};
  EXPECT_THAT(events_of("* LIST () \"/\" {10}\r\n0123456789\r\n", limits), ElementsAre("List 0123456789 by /"));
  EXPECT_THAT(events_of("* LIST () \"/\" {11}\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* 1 FETCH (ENVELOPE {11}\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* 1 FETCH (BODY[] {11}\r\n01234567890)\r\n", limits),
              ElementsAre("BodyBegin 1 size=11", "BodyBytes 01234567890", "BodyEnd", "Fetched 1 body"))
      << "a message is not held";
}

TEST(Limits, WholeResponse) {
  const Limits limits{.response = 100};
  EXPECT_THAT(events_of("* X " + repeat("{9}\r\n012345678", 6) + "\r\n", limits), ElementsAre(StartsWith("Unparsed")));
  EXPECT_THAT(events_of("* X " + repeat("{9}\r\n012345678", 8) + "\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* 1 FETCH (X (" + repeat("{9}\r\n012345678 ", 8) + "))\r\n", limits),
              ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* X {5}\r\nabcde" + std::string(200, 'x') + "\r\n", limits),
              ElementsAre("Failed limit_exceeded"));
}

TEST(Limits, Depth) {
  const Limits limits{.depth = 3};
  EXPECT_THAT(events_of("* 1 FETCH (X (((a))))\r\n", limits), ElementsAre("Fetched 1"));
  EXPECT_THAT(events_of("* 1 FETCH (X ((((a)))))\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* STATUS a (X ((((a)))))\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* LIST () \"/\" a ((((a))))\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* 1 FETCH (X " + std::string(500'000, '(') + "\r\n"), ElementsAre("Failed limit_exceeded"));
}

// Each literal lets the item that it belongs to be read from its start.
TEST(Limits, LiteralsOfOneItem) {
  const auto fetch = [](std::string_view name, std::size_t literals) {
    return concat("* 1 FETCH (UID 7 ", name, " (", repeat("{1}\r\na ", literals), "b))\r\n");
  };
  const Limits limits{.reread = 200};
  EXPECT_THAT(events_of(fetch("X", 5), limits), ElementsAre("Fetched 1 uid=7"));
  EXPECT_THAT(events_of(concat(fetch("X", 5), fetch("X", 5)), limits),
              ElementsAre("Fetched 1 uid=7", "Fetched 1 uid=7"));
  EXPECT_THAT(events_of(fetch("X", 20), limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of(fetch("X-GM-LABELS", 20), limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of(fetch("X-GM-LABELS", 1000)), ElementsAre(StartsWith("Fetched 1 uid=7 label=a label=a")));
  EXPECT_THAT(events_of(fetch("X", 10'000)), ElementsAre("Failed limit_exceeded"));
}

TEST(Limits, Labels) {
  const Limits limits{.labels = 2};
  EXPECT_THAT(events_of("* 1 FETCH (X-GM-LABELS (a {1}\r\nb))\r\n", limits), ElementsAre("Fetched 1 label=a label=b"));
  EXPECT_THAT(events_of("* 1 FETCH (X-GM-LABELS (a {1}\r\nb c))\r\n", limits), ElementsAre("Failed limit_exceeded"));
}

TEST(Limits, FetchItems) {
  const Limits limits{.fetch_items = 3};
  EXPECT_THAT(events_of("* 1 FETCH (UID 1 A b C {1}\r\nd)\r\n", limits), ElementsAre("Fetched 1 uid=1"));
  EXPECT_THAT(events_of("* 1 FETCH (UID 1 A b C d E f)\r\n", limits), ElementsAre("Failed limit_exceeded"));
}

TEST(Limits, Body) {
  const Limits limits{.body = 5};
  EXPECT_THAT(events_of("* 1 FETCH (BODY[] {5}\r\nhello)\r\n", limits).size(), 4U);
  EXPECT_THAT(events_of("* 1 FETCH (BODY[] {6}\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* FOO {6}\r\n", limits), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* 1 FETCH (BODY[] {18446744073709551616}\r\n"), ElementsAre("Failed limit_exceeded"));
  EXPECT_THAT(events_of("* OK {6}\r\n", limits), ElementsAre("Text OK {6}")) << "free text announces nothing";
}

TEST(Limits, Failure_IsRepeatedForEver) {
  Conversation conversation(Limits{.line = 20});
  conversation.hear(std::string(30, 'x'));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(std::get<Failed>(conversation.session.next()).error.code, "limit_exceeded");
}

std::size_t resident_pages() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident;
}

TEST(Limits, MessageOf150MB_IsNotHeld) {
  Conversation conversation;
  conversation.open();
  const std::string block(64 * 1024, 'x');
  const std::size_t blocks = 2400;
  conversation.hear(concat("* 1 FETCH (BODY[] {", blocks * block.size(), "}\r\n"));
  const std::size_t before = resident_pages();
  std::uint64_t received = 0;
  for (std::size_t i = 0; i < blocks; ++i) {
    conversation.session.receive(std::as_bytes(std::span(block)));
    const Event event = conversation.session.next();
    received += std::get<BodyBytes>(event).bytes.size();
    const Event after = conversation.session.next();
    EXPECT_EQ(std::holds_alternative<NeedInput>(after), i + 1 < blocks);
  }
  EXPECT_EQ(received, blocks * block.size());
  EXPECT_LT(resident_pages() - before, 1024U) << "pages of 4 KiB";
  EXPECT_THAT(conversation.hear(" UID 7)\r\n"), ElementsAre("Fetched 1 uid=7 body"));
}

TEST(Limits, DescendingVanishedUids_DoNotTakeForEver) {
  std::string wire = "* VANISHED ";
  for (std::uint32_t uid = 300'000; uid > 2; uid -= 2)
    wire += concat(uid, ',');
  wire += "1\r\n";
  ASSERT_LT(wire.size(), Limits().line);
  Conversation conversation;
  conversation.open();
  EXPECT_THAT(conversation.hear(wire), ElementsAre(StartsWith("Vanished 1,4,6,")));
}

} // namespace
} // namespace mailmoor::imap
