// Tables: one wire form, the events it must make. events_of() runs each in every chunking.
#include "imap/conversation.h"

namespace mailmoor::imap {
namespace {

struct Row {
  std::string_view wire; // without the last CRLF
  std::vector<std::string> expected;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows)
    EXPECT_EQ(events_of(std::string(row.wire) + "\r\n"), row.expected) << row.wire;
}

// Every proper prefix of a response must leave the session waiting, with none of the events that its end makes.
void check_prefixes(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::string wire = std::string(row.wire) + "\r\n";
    for (std::size_t size = 0; size < wire.size(); ++size) {
      Conversation conversation;
      conversation.hear("* OK hello\r\n");
      const auto events = conversation.hear(wire.substr(0, size));
      ASSERT_LE(events.size(), row.expected.size()) << wire.substr(0, size);
      for (const std::string& event : events)
        EXPECT_THAT(event, testing::StartsWith("Body")) << wire.substr(0, size);
    }
  }
}

const std::vector<Row>& status_rows() {
  static const std::vector<Row> rows = {
      {"* OK fine", {"Text OK fine"}},
      {"* ok Fine", {"Text OK Fine"}},
      {"* NO [ALERT] Disk is 98% full", {"Text NO [ALERT] Disk is 98% full"}},
      {"* BAD eh", {"Text BAD eh"}},
      {"* OK [alert] x", {"Text OK [ALERT] x"}},
      {"* OK [UNSEEN 1]", {"Text OK [UNSEEN 1] "}},
      {"* OK [PERMANENTFLAGS (\\Deleted \\*)] Limited", {"Text OK [PERMANENTFLAGS (\\Deleted \\*)] Limited"}},
      {"* OK [X \"a]b\"] c", {"Text OK [X \"a]b\"] c"}},
      {"* OK [X don\"t] c", {"Text OK [X don\"t] c"}},
      {"* OK [never closed", {"Text OK [never closed"}},
      {"* OK [] empty", {"Text OK [] empty"}},
      {"* OK see {5}", {"Text OK see {5}"}},
      {"* OK [ALERT] see {5}", {"Text OK [ALERT] see {5}"}},
      {"* NO [BADCHARSET ({5}\r\nA1 ]\")] no", {"Text NO [BADCHARSET ({5}\r\nA1 ]\")] no"}},
      {"* BYE Connection is closed. 13", {"Bye Connection is closed. 13"}},
      {"* BYE [UNAVAILABLE] later", {"Bye [UNAVAILABLE] later"}},
      {"+ what", {"Unparsed + what"}},
  };
  return rows;
}

TEST(Grammar, StatusResponses) {
  check(status_rows());
  check_prefixes(status_rows());
}

const std::vector<Row>& data_rows() {
  static const std::vector<Row> rows = {
      {"* 0 EXISTS", {"Exists 0"}},
      {"* 4294967295 EXISTS", {"Exists 4294967295"}},
      {"* 23 exists", {"Exists 23"}},
      {"* 5 RECENT", {}},
      {"* 44 EXPUNGE", {"Expunged 44"}},
      {"* VANISHED 405,407,410:420", {"Vanished 405,407,410:420"}},
      {"* VANISHED (EARLIER) 41,43:116,1", {"Vanished earlier 1,41,43:116"}},
      {"* VANISHED 9:7,8", {"Vanished 7:9"}},
      {"* CAPABILITY IMAP4rev1 IDLE", {}},
      {"* FLAGS (\\Answered \\Seen)", {}},
      {"* SEARCH 2 3 6", {}},
      {"* ESEARCH (TAG \"A1\") UID ALL 1:3", {}},
      {"* NAMESPACE ((\"\" \"/\")) NIL NIL", {}},
      {"* ENABLED CONDSTORE", {}},
      {"* ID NIL", {"Id"}},
      {"* ID (\"Name\" \"Cyrus\" \"version\" NIL \"os\" {2}\r\nOS)", {"Id name=Cyrus os=OS"}},
  };
  return rows;
}

TEST(Grammar, MailboxData) {
  check(data_rows());
  check_prefixes(data_rows());
}

const std::vector<Row>& list_rows() {
  static const std::vector<Row> rows = {
      {"* LIST () \"/\" INBOX", {"List INBOX by /"}},
      {"* LIST (\\Marked) \".\" inbox", {"List INBOX by . \\marked"}},
      {"* LIST () \"/\" inbox/child", {"List INBOX/child by /"}},
      {"* LIST (\\Noselect) \"/\" \"[Gmail]\"", {"List [Gmail] by / \\noselect unselectable"}},
      {"* LIST (\\NonExistent) \"/\" a", {"List a by / \\nonexistent unselectable"}},
      {"* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent Items\"", {"List Sent Items by / \\hasnochildren \\sent"}},
      {"* LIST () NIL flat/name", {"List flat/name"}},
      {"* LIST () \"\" flat", {"List flat"}},
      {"* LIST () \"\\\\\" \"a\\\\b\"", {"List a\\b by \\"}},
      {"* LIST () \"/\" {7}\r\nsay \"a\"", {"List say \"a\" by /"}},
      {"* LIST () \"/\" {4}\r\nA\r\nB", {"List A\r\nB by /"}},
      {"* LIST () \"/\" {9}\r\n* 1 FETCH", {"List * 1 FETCH by /"}},
      {"* LIST () \"/\" \"Entw&APw-rfe\"", {"List Entwürfe by /"}},
      {"* LIST () \"/\" \"Entwürfe\"", {"List Entw%C3%BCrfe by /"}},
      {"* LIST () \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))", {"List foo by /"}},
      {"* LIST () \"/\" \"foo\" (\"OLDNAME\" ({3}\r\nbar))", {"List foo by /"}},
      {"* LIST (\\Subscribed) \"/\" \"\"", {"List  by / \\subscribed"}},
      {"* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)", {"Status blurdybloop messages=231 next=44292"}},
      {"* STATUS \"a b\" (UIDVALIDITY 7 HIGHESTMODSEQ 7011231777 SIZE 9 X (a b))",
       {"Status a b messages=0 validity=7 modseq=7011231777"}},
      {"* STATUS {3}\r\na\"b (MESSAGES 1)", {"Status a\"b messages=1"}},
      {"* STATUS INBOX (HIGHESTMODSEQ 0 UIDNEXT 0)", {"Status INBOX messages=0"}},
      {"* STATUS a ()", {"Status a messages=0"}},
  };
  return rows;
}

TEST(Grammar, ListAndStatus) {
  // A quoted name above 0x7F is no modified UTF-7: FolderName shows it as it is or escaped, that is its business.
  std::vector<Row> rows = list_rows();
  std::erase_if(rows, [](const Row& row) { return row.wire.contains("Entwürfe"); });
  check(rows);
  check_prefixes(rows);
}

const std::vector<Row>& fetch_rows() {
  static const std::vector<Row> rows = {
      {"* 12 FETCH (FLAGS (\\Seen))", {"Fetched 12 flags=S"}},
      {"* 12 fetch (flags (\\seen) uid 7)", {"Fetched 12 uid=7 flags=S"}},
      {"* 1 FETCH ()", {"Fetched 1"}},
      {"* 1 FETCH (FLAGS ())", {"Fetched 1 flags="}},
      {"* 1 FETCH (FLAGS (\\Recent \\XFoo $Forwarded [x] +))", {"Fetched 1 flags=P,$Forwarded,+,[x]"}},
      {"* 2 FETCH (UID 4 MODSEQ (12121231000))", {"Fetched 2 uid=4 modseq=12121231000"}},
      {"* 2 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286)",
       {"Fetched 2 date=1996-07-17T09:44:25Z size=4286"}},
      {"* 2 FETCH (INTERNALDATE NIL RFC822.SIZE -1 UID 1)", {"Fetched 2 uid=1"}},
      {"* 2 FETCH (INTERNALDATE {26}\r\n 7-Jul-1996 02:44:25 +0000)", {"Fetched 2 date=1996-07-07T02:44:25Z"}},
      {"* 3 FETCH (UID 9 BODY[] {5}\r\nhello FLAGS (\\Seen))",
       {"BodyBegin 3 uid=9 size=5", "BodyBytes hello", "BodyEnd", "Fetched 3 uid=9 flags=S body"}},
      {"* 3 FETCH (BODY[] {5}\r\nhello UID 9)",
       {"BodyBegin 3 size=5", "BodyBytes hello", "BodyEnd", "Fetched 3 uid=9 body"}},
      {"* 3 FETCH (RFC822 {5}\r\nhello)", {"BodyBegin 3 size=5", "BodyBytes hello", "BodyEnd", "Fetched 3 body"}},
      {"* 3 FETCH (BODY[] ~{5}\r\nhello)", {"BodyBegin 3 size=5", "BodyBytes hello", "BodyEnd", "Fetched 3 body"}},
      {"* 3 FETCH (BODY[] {0}\r\n UID 1)", {"BodyBegin 3 size=0", "BodyEnd", "Fetched 3 uid=1 body"}},
      {"* 3 FETCH (BODY[] \"\" UID 1)", {"BodyBegin 3 size=0", "BodyEnd", "Fetched 3 uid=1 body"}},
      {"* 3 FETCH (BODY[] \"say \\\"hi\\\\\" UID 1)",
       {"BodyBegin 3 size=8", "BodyBytes say \"hi\\", "BodyEnd", "Fetched 3 uid=1 body"}},
      {"* 3 FETCH (UID 1 BODY[] NIL)", {"Fetched 3 uid=1 body=nil"}},
      {"* 3 FETCH (BODY[] {19}\r\n)\r\nA1 OK done\r\n* \"( UID 9)",
       {"BodyBegin 3 size=19", "BodyBytes )\r\nA1 OK done\r\n* \"(", "BodyEnd", "Fetched 3 uid=9 body"}},
      {"* 3 FETCH (ENVELOPE (\"d\" {7}\r\nA1 OK\r\n ((NIL NIL \"a\" {1}\r\nb)) NIL) UID 2)", {"Fetched 3 uid=2"}},
      {"* 3 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"a)b\") NIL NIL \"7BIT\" 2 1)(\"X\") \"MIXED\") "
       "UID 2)",
       {"Fetched 3 uid=2"}},
      {"* 3 FETCH (BODY[HEADER.FIELDS (\"DATE\" FROM)] {3}\r\na\r\n UID 2 BODY[TEXT]<0> \"x\")",
       {"Fetched 3 uid=2 header=a"}},
      {"* 3 FETCH (UID 2 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\nMessage-ID: <a@b>\r\n\r\n)",
       {"Fetched 3 uid=2 header=Message-ID: <a@b>"}},
      {"* 3 FETCH (UID 2 body[header.fields (\"Message-ID\")] \"Message-ID: \\\"q\\\"\")",
       {"Fetched 3 uid=2 header=Message-ID: \"q\""}},
      {"* 3 FETCH (BODY[HEADER.FIELDS ({2}\r\n]])] NIL UID 2)", {"Fetched 3 uid=2"}},
      {"* 3 FETCH (X-GM-MSGID 1278455344230334865 X-GM-LABELS (\"\\\\Inbox\" foo {1}\r\n\") UID 2)",
       {"Fetched 3 uid=2 gm=1278455344230334865 label=\\Inbox label=foo label=\""}},
      {"* 3 FETCH (UID 2 x-gm-msgid 18446744073709551615 X-GM-THRID 1266894439832287888 X-GM-LABELS ())",
       {"Fetched 3 uid=2 gm=18446744073709551615"}},
      {"* 3 FETCH (UID 2 X-GM-MSGID 0 X-GM-LABELS NIL)", {"Fetched 3 uid=2"}},
      {"* 3 FETCH (UID 2 X-GM-MSGID 18446744073709551616)", {"Fetched 3 uid=2"}}, // more than 64 bits: not known
      {"* 3 FETCH (UID 2 X-GM-LABELS (\\Sent \"\\\\Inbox\" \"Entw&APw-rfe/a b\" &AOk-t&AOk- {6}\r\n(\"\\]{1 2024))",
       {"Fetched 3 uid=2 label=\\Sent label=\\Inbox label=Entw&APw-rfe/a b label=&AOk-t&AOk- label=(\"\\]{1 "
        "label=2024"}},
      {"* 3 FETCH (EMAILID (M6d99) THREADID NIL PREVIEW NIL UID 2)", {"Fetched 3 uid=2"}},
  };
  return rows;
}

TEST(Grammar, Fetch) {
  check(fetch_rows());
  check_prefixes(fetch_rows());
}

// The line is skipped, what follows it is read: the next response must come through.
TEST(Grammar, UnreadableUntaggedLines_AreSkippedWithTheirLiterals) {
  const std::vector<std::string_view> rows = {
      "*",
      "* ",
      "*OK?",
      "* FOO",
      "* 12",
      "* 12 ",
      "* 12 FOO",
      "* -1 EXISTS",
      "* 4294967296 EXISTS",
      "* 0 EXPUNGE",
      "* 1 FETCH",
      "* 1 FETCH FLAGS",
      "* 1 FETCH (",
      "* 1 FETCH (FLAGS",
      "* 1 FETCH (FLAGS (\\Seen)",
      "* 0 FETCH (UID 1)",
      "* 1 FETCH (UID 0)",
      "* 1 FETCH (UID x)",
      "* 1 FETCH (UID 4294967296)",
      "* 1 FETCH (UID 1) x",
      "* 1 FETCH (UID 1))",
      "* 1 FETCH (UID 1UID 2)",
      "* 1 FETCH (BODY[] foo)",
      "* 1 FETCH (BODY[ NIL)",
      "* 1 FETCH (BODY[] \"x)",
      "* 1 FETCH (MODSEQ 5)",
      "* 1 FETCH ( (UID 1))",
      "* LIST",
      "* LIST ",
      "* LIST x",
      "* LIST () /",
      "* LIST () \"ab\" c",
      "* LIST (\\A \"/\" b",
      "* LIST () \"/\" ",
      "* LIST () \"/\" \"a",
      "* STATUS",
      "* STATUS a",
      "* STATUS a (MESSAGES)",
      "* STATUS \"a\" (MESSAGES 1",
      "* VANISHED",
      "* VANISHED x",
      "* VANISHED 1,",
      "* VANISHED 1:*",
      "* VANISHED (LATER) 1",
      "* ID",
      "* ID x",
      "* ID (\"a\")",
      "* PREAUTH again",
      "+x1",
  };
  for (const std::string_view row : rows) {
    if (row == "+x1") continue;
    const auto events = events_of(std::string(row) + "\r\n* 5 EXISTS\r\n");
    ASSERT_EQ(events.size(), 2U) << row;
    EXPECT_THAT(events[0], testing::StartsWith("Unparsed")) << row;
    EXPECT_EQ(events[1], "Exists 5") << row;
  }
  EXPECT_THAT(events_of("* FOO {10}\r\n* 9 EXISTS x {3}\r\nabc\r\n* 5 EXISTS\r\n"),
              testing::ElementsAre(testing::StartsWith("Unparsed FOO"), "Exists 5"));
  EXPECT_THAT(events_of("* 1 FETCH (UID 0 BODY[] {10}\r\n* 9 EXISTS FOO {3}\r\nabc)\r\n* 5 EXISTS\r\n"),
              testing::ElementsAre(testing::StartsWith("Unparsed UID 0"), "Exists 5"));
}

TEST(Grammar, ResponseThatBreaksAfterItsBody_MakesTheBodyVoid) {
  EXPECT_THAT(events_of("* 1 FETCH (UID 1 BODY[] {2}\r\nab !!(\r\n* 5 EXISTS\r\n"),
              testing::ElementsAre("BodyBegin 1 uid=1 size=2", "BodyBytes ab", "BodyEnd",
                                   testing::StartsWith("Unparsed"), "Exists 5"));
  EXPECT_THAT(events_of("* 1 FETCH (BODY[] {2}\r\nab RFC822 {4}\r\nA1 \r)\r\n* 5 EXISTS\r\n"),
              testing::ElementsAre("BodyBegin 1 size=2", "BodyBytes ab", "BodyEnd", testing::StartsWith("Unparsed"),
                                   "Exists 5"))
      << "two bodies in one response";
}

} // namespace
} // namespace mailmoor::imap
