// Servers that say what they should not, or say it when they should not.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class UnrulyServerTest : public MailboxWorld {
 protected:
  UnrulyServerTest() {
    settings.poll = 24h;
    server.folders["Sent"];
  }
  // For so many turns of the loop at least: long enough for a mailbox that does not rest to be noticed.
  void turn(int turns = 200) {
    ASSERT_TRUE(world.until([&turns] { return --turns < 0; }));
  }
  [[nodiscard]] std::string news_of_sent() {
    server.folders["Sent"].deliver(message("sent"));
    const auto count = server.folders["Sent"].messages.size();
    return concat("* STATUS Sent (MESSAGES ", count, " UIDNEXT ", count + 1, " UIDVALIDITY 14)\r\n");
  }
};

// In one write with the answer, so that it is in the buffer already when the next command goes out.
TEST_F(UnrulyServerTest, NewsRightBehindTheAnswerToNotify_AreHeard) {
  server.capabilities += " NOTIFY";
  server.answer = [this, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (!command.starts_with("NOTIFY SET STATUS") || !std::exchange(first, false)) return {};
    std::string text = "%t OK done\r\n";
    for (int i = 0; i < 200; ++i)
      text += concat("* STATUS \"elsewhere ", i, "\" (MESSAGES 1 UIDNEXT 2)\r\n");
    return text + news_of_sent();
  };
  start();
  ASSERT_TRUE(world.until([&] { return delivered(".Sent") == 1; }));
  EXPECT_EQ(1, server.connections);
}

TEST_F(UnrulyServerTest, NewsRightBehindTheEndOfIdle_AreHeard) {
  server.capabilities += " NOTIFY";
  start();
  ASSERT_TRUE(idles());
  for (int i = 0; i < 20; ++i)
    server.behind_idle += concat("* STATUS \"elsewhere ", i, "\" (MESSAGES 1 UIDNEXT 2)\r\n");
  server.behind_idle += news_of_sent();
  server.folders["INBOX"].deliver(message("news"));
  server.tell("* 1 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == 1 && delivered(".Sent") == 1; }));
  EXPECT_EQ(1, server.connections);
}

// RFC 9051 §2.3.1.1: it must not change while the folder is open. Named by another one, a message would come twice.
TEST_F(UnrulyServerTest, UidvalidityInTheMiddleOfAFetch_EndsTheSessionAndNamesNoFile) {
  for (const std::string_view value : {"99", "0", "x", "4294967296"}) {
    SCOPED_TRACE(value);
    settings.name = concat("alice", value);
    settings.maildir = concat("/mail/", settings.name);
    server.folders["INBOX"] = {};
    server.folders["INBOX"].deliver(message("one"));
    server.connections = 0;
    server.answer = [value, first = true](const std::string& command) mutable -> std::optional<std::string> {
      if (!command.contains("BODY.PEEK[]") || !std::exchange(first, false)) return {};
      const std::string body = message("one");
      return concat(
          "* OK [UIDVALIDITY ", value,
          "] renumbered\r\n* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"14-Nov-2023 22:13:20 +0000\" RFC822.SIZE ",
          body.size(), " BODY[] {", body.size(), "}\r\n", body, ")\r\n%t OK done\r\n");
    };
    start();
    ASSERT_TRUE(becomes(MailboxState::kBackingOff));
    EXPECT_EQ("protocol_violation", mailbox->last_error()->code);
    ASSERT_NO_FATAL_FAILURE(pass_retry());
    ASSERT_TRUE(idles());
    EXPECT_EQ(2, server.connections);
    const auto files = disk.files(concat(settings.maildir, "/new"));
    ASSERT_EQ(1U, files.size());
    EXPECT_TRUE(files.begin()->first.contains(".V14U1.")) << files.begin()->first;
  }
}

TEST_F(UnrulyServerTest, SameUidvalidityOnceMore_IsNothing) {
  server.folders["INBOX"].deliver(message("one"));
  start();
  ASSERT_TRUE(idles());
  server.tell("* OK [UIDVALIDITY 14] as ever\r\n");
  ASSERT_NO_FATAL_FAILURE(turn());
  EXPECT_TRUE(server.is_idling());
  EXPECT_EQ(1, server.connections);
}

// RFC 7162 §3.2.11.
TEST_F(UnrulyServerTest, FlagsOfTheFolderBefore_AreNotTakenForTheNextOnes) {
  server.capabilities += " ENABLE CONDSTORE QRESYNC";
  settings.wants.flags = true;
  settings.keep_flags = true;
  int mod_seq = 5;
  server.folders["INBOX"].deliver(message("one"));
  server.folders["Sent"].deliver(message("two"));
  server.folders["Sent"].deliver(message("three"));
  server.answer = [&](const std::string& command) -> std::optional<std::string> {
    if (command == "ENABLE QRESYNC") return "* ENABLED QRESYNC\r\n%t OK done\r\n";
    if (!command.starts_with("EXAMINE")) return {};
    const auto& folder = server.folders[command.contains("Sent") ? "Sent" : "INBOX"];
    std::string text;
    if (command.starts_with("EXAMINE \"Sent\" (QRESYNC"))
      text = "* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (6))\r\n* VANISHED 2\r\n* OK [CLOSED] INBOX is\r\n";
    text += concat("* ", folder.messages.size(), " EXISTS\r\n* OK [UIDVALIDITY 14] v\r\n* OK [UIDNEXT ", folder.next,
                   "] n\r\n* OK [HIGHESTMODSEQ ", mod_seq, "] m\r\n");
    if (command.starts_with("EXAMINE \"Sent\" (QRESYNC")) text += "* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (6))\r\n";
    return text + "%t OK [READ-ONLY] done\r\n";
  };
  start();
  ASSERT_TRUE(idles());
  ASSERT_EQ(2U, delivered(".Sent"));
  mod_seq = 6;
  bool done = false;
  static_cast<void>(mailbox->sync_now([&done](const Status&) { done = true; }));
  ASSERT_TRUE(world.until([&] { return done; }));
  std::map<std::uint32_t, std::string> letters;
  for (const char* const sub : {"/mail/alice/.Sent/new", "/mail/alice/.Sent/cur"})
    for (const auto& [name, bytes] : disk.files(sub)) {
      const auto parsed = maildir::parse_file_name(name);
      ASSERT_TRUE(parsed);
      letters[parsed->uid.value()] = std::string(parsed->letters);
    }
  EXPECT_THAT(letters, ElementsAre(std::pair(1U, ""), std::pair(2U, "F")));
}

// Exchange says EXISTS before it accepts an IDLE.
TEST_F(UnrulyServerTest, SameNumberAtTheBeginOfEachIdle_IsNoNews) {
  server.folders["INBOX"].deliver(message("one"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command == "IDLE") return "* 1 EXISTS\r\n+ idling\r\n";
    return {};
  };
  start();
  ASSERT_NO_FATAL_FAILURE(turn());
  EXPECT_EQ(1U, server.asked("IDLE"));
  EXPECT_TRUE(server.is_idling());
}

// Where the stream stands is not known any more: the session ends, and is made anew at once.
TEST_F(UnrulyServerTest, LineThatIsNoImapInIdle_IsShownAndTheSessionMadeAnew) {
  server.folders["INBOX"].deliver(message("one"));
  start();
  ASSERT_TRUE(idles());
  server.tell(concat("out of \x01 order \x1b[31m", std::string(5000, 'x'), "\r\n"));
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  const Error error = *mailbox->last_error();
  EXPECT_EQ("unexpected_line", error.code);
  EXPECT_THAT(error.what, ::testing::StartsWith(concat("127.0.0.1:", server.port(), ": ")));
  EXPECT_THAT(error.what, ::testing::HasSubstr("no IMAP: out of "));
  EXPECT_LT(error.what.size(), 1000U);
  EXPECT_TRUE(std::ranges::none_of(error.what, [](char octet) { return static_cast<unsigned char>(octet) < ' '; }));
  ASSERT_EQ(1U, world.logged.size());
  EXPECT_EQ(log::Priority::kWarning, world.logged.front().priority);
  EXPECT_THAT(world.logged.front().message, ::testing::HasSubstr("no IMAP: out of "));
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  ASSERT_TRUE(idles());
  EXPECT_EQ(2, server.connections);
  server.folders["INBOX"].deliver(message("two"));
  server.tell("* 2 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == 2; }));
  EXPECT_EQ(2U, world.logged.size()) << "and that it is over";
}

// One of its own kind that nobody knows is passed over; the next one is read.
TEST_F(UnrulyServerTest, UntaggedLineThatCannotBeReadInIdle_EndsNothing) {
  start();
  ASSERT_TRUE(idles());
  server.tell("* FROBNICATED (1 2 \"three\r\n* STATUS (\r\n* x EXISTS\r\n*\r\n+ what\r\n");
  ASSERT_NO_FATAL_FAILURE(turn(50));
  EXPECT_TRUE(server.is_idling());
  server.folders["INBOX"].deliver(message("one"));
  server.tell("* 1 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == 1; }));
  EXPECT_EQ(1, server.connections);
  EXPECT_TRUE(world.logged.empty());
}

// Each of these says at each IDLE that something is new, and nothing ever is.
class FalseNewsTest : public UnrulyServerTest, public ::testing::WithParamInterface<std::string_view> {};

TEST_P(FalseNewsTest, AgainAndAgain_AreLookedUpLessAndLess) {
  server.capabilities += " NOTIFY";
  server.answer = [said = 7](const std::string& command) mutable -> std::optional<std::string> {
    if (command != "IDLE") return {};
    ++said;
    return concat("+ idling\r\n", GetParam(), said, GetParam().starts_with("* STATUS") ? ")\r\n" : " EXISTS\r\n");
  };
  start();
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 5; }));
  ASSERT_NO_FATAL_FAILURE(turn());
  EXPECT_EQ(5U, server.asked("IDLE"));
  std::size_t idles = 5;
  for (const runtime::Duration wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 64s}) {
    world.clock.advance(wait - 100ms);
    ASSERT_NO_FATAL_FAILURE(turn(50));
    EXPECT_EQ(idles, server.asked("IDLE")) << wait / 1s << " s";
    world.clock.advance(110ms);
    ++idles;
    ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == idles && server.is_idling(); })) << wait / 1s << " s";
  }
  // What is new after all is brought, and makes up for it.
  server.folders["INBOX"].deliver(message("news"));
  for (int waits = 0; waits < 2 && delivered() == 0; ++waits) {
    const std::size_t before = server.asked("IDLE");
    world.clock.advance(64s);
    ASSERT_TRUE(world.until([&] { return server.asked("IDLE") > before && server.is_idling(); }));
  }
  EXPECT_EQ(1U, delivered());
  idles = server.asked("IDLE");
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") >= idles + 3; }));
  EXPECT_EQ(1, server.connections);
  EXPECT_FALSE(mailbox->last_error());
}
INSTANTIATE_TEST_SUITE_P(Words, FalseNewsTest,
                         ::testing::Values("* ", "* STATUS Sent (UIDVALIDITY 14 MESSAGES 0 UIDNEXT ",
                                           "* LIST () \"/\" Sent\r\n* "));

} // namespace
} // namespace mailmoor::mailbox
