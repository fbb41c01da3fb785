// Each quirk: what it lets through, and that it is this flag that does.
#include "imap/conversation.h"

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

struct Row {
  bool Quirks::* flag;
  std::string_view wire; // what comes while A2 NOOP is on its way
  std::vector<std::string> with;
  std::vector<std::string> without;
};

TEST(Quirks, EachFlag_LetsItsOwnLineThrough) {
  const std::vector<Row> rows = {
      {&Quirks::bare_lf, "* 4 EXISTS\n", {"Exists 4"}, {"Failed protocol_violation"}},
      {&Quirks::name_not_quoted,
       "* LIST (\\HasNoChildren) \"/\" Notes\t2019 (old)\r\n",
       {"List Notes\t2019 (old) by / \\hasnochildren"},
       {"Unparsed LIST (\\HasNoChildren) \"/\" Notes\\t2019 (old)"}},
      {&Quirks::name_not_quoted,
       "* STATUS Notes\t2019 (old) (MESSAGES 3)\r\n",
       {"Status Notes\t2019 (old) messages=3"},
       {"Unparsed STATUS Notes\\t2019 (old) (MESSAGES 3)"}},
      {&Quirks::code_without_ok, "* [UIDNEXT 5] next\r\n", {"Text OK [UIDNEXT 5] next"}, {"Unparsed [UIDNEXT 5] next"}},
      {&Quirks::missing_text, "A2 OK\r\n", {"Completed A2 OK "}, {"Completed A2 BAD A2 OK (malformed) command=NOOP"}},
      {&Quirks::bare_continuation, "+\r\n", {"Unparsed + "}, {"Failed unexpected_line"}},
      {&Quirks::extra_space,
       "* STATUS INBOX (MESSAGES 1) \r\n",
       {"Status INBOX messages=1"},
       {"Unparsed STATUS INBOX (MESSAGES 1) "}},
      {&Quirks::extra_space, "* 1 FETCH (FLAGS (\\Seen ))\r\n", {"Fetched 1 flags=S"}, {"Unparsed FLAGS (\\Seen ))"}},
      {&Quirks::extra_space,
       "* 1 FETCH (UID 2  FLAGS ()) \r\n",
       {"Fetched 1 uid=2 flags="},
       {"Unparsed UID 2  FLAGS ()) "}},
      {&Quirks::extra_space, "* 4 EXISTS \r\n", {"Exists 4"}, {"Unparsed 4 EXISTS "}},
  };
  for (const Row& row : rows)
    for (const bool on : {true, false}) {
      Quirks quirks;
      quirks.*row.flag = on;
      Conversation conversation({}, quirks);
      conversation.open();
      conversation.session.noop();
      EXPECT_EQ(conversation.hear(row.wire), on ? row.with : row.without) << row.wire;
    }
}

TEST(Quirks, NamesThatAreQuoted_AreReadStrictly) {
  EXPECT_THAT(events_of("* LIST () \"/\" \"a\" b\r\n"), ElementsAre(StartsWith("Unparsed")));
  EXPECT_THAT(events_of("* LIST () \"/\" {1}\r\na b\r\n"), ElementsAre(StartsWith("Unparsed")));
  EXPECT_THAT(events_of("* LIST () \"/\" two  spaces here \r\n"), ElementsAre("List two  spaces here by /"));
}

} // namespace
} // namespace mailmoor::imap
