// Each quirk: what it lets through, and that it is this flag that does.
#include "imap/conversation.h"
#include "util/concat.h"

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

// What is said on a connection to `host` that begins with `greeting`, where all of it is offered.
std::string said_to(std::string_view host, std::string_view greeting) {
  Quirks quirks;
  quirks.extensions = extension_quirks(host);
  Conversation conversation({}, quirks);
  conversation.hear(concat("* PREAUTH [CAPABILITY IMAP4rev1 IMAP4rev2 ENABLE CONDSTORE QRESYNC LIST-EXTENDED "
                           "LIST-STATUS SPECIAL-USE] ",
                           greeting, "\r\n"));
  conversation.session.enable_qresync();
  conversation.session.list_all(/*with_status=*/true);
  return conversation.said();
}

TEST(Quirks, Microsoft_IsAskedNeitherToEnableNorToReturn) {
  constexpr std::string_view kPlainly = "A1 LIST \"\" \"*\"\r\n";
  for (const std::string_view greeting :
       {"The Microsoft Exchange IMAP4 service is ready. [TQBXAEEA]",
        "Microsoft Exchange IMAP4 service ready. 6f0b1a42 (tcpproxy/15.21.0406.000 BACKENDAUTHENTICATE) [TQ==]",
        "MICROSOFT EXCHANGE"})
    EXPECT_EQ(said_to("mail.example.org", greeting), kPlainly) << greeting;
  for (const std::string_view host : {"outlook.office365.com", "Outlook.Office365.COM", "outlook.office365.us",
                                      "outlook-dod.office365.us", "partner.outlook.cn", "imap-mail.outlook.com"})
    EXPECT_EQ(said_to(host, "ready"), kPlainly) << host;
}

TEST(Quirks, Microsoft_IsToldOfTheNextFolderWhenItIsDoneWithThisOne) {
  Quirks quirks;
  quirks.extensions = extension_quirks("outlook.office365.com");
  EXPECT_FALSE(Conversation({}, quirks).session.can_examine_ahead());
  Conversation by_greeting;
  by_greeting.hear("* PREAUTH Microsoft Exchange IMAP4 service ready.\r\n");
  EXPECT_FALSE(by_greeting.session.can_examine_ahead());
  EXPECT_TRUE(Conversation().session.can_examine_ahead());
}

TEST(Quirks, OtherServers_AreTakenAtTheirWord) {
  for (const std::string_view host : {"imap.example.org", "notoffice365.com", "office365.com.example.org"})
    EXPECT_EQ(said_to(host, "Dovecot, not Exchange"),
              "A1 ENABLE QRESYNC\r\n"
              "A2 LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\r\n")
        << host;
}

} // namespace
} // namespace mailmoor::imap
