#include "imap/command_writer.h"

#include "imap/conversation.h"
#include "util/ascii.h"

#include <filesystem>
#include <fstream>

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;

CommandWriter writer(LiteralForm form = LiteralForm::kSynchronizing) {
  return {"A1", form};
}

std::vector<std::string> parts(const CommandText& text) {
  std::vector<std::string> out;
  for (const Secret& part : text.parts)
    out.emplace_back(part.reveal());
  return out;
}

FolderName folder(std::string_view wire) {
  return FolderName::from_wire(wire, '/');
}

TEST(CommandWriter, Commands_AreTheseOctets) {
  const Secret secret("c2VjcmV0");
  EXPECT_THAT(parts(writer().capability()), ElementsAre("A1 CAPABILITY\r\n"));
  EXPECT_THAT(parts(writer().noop()), ElementsAre("A1 NOOP\r\n"));
  EXPECT_THAT(parts(writer().logout()), ElementsAre("A1 LOGOUT\r\n"));
  EXPECT_THAT(parts(writer().starttls()), ElementsAre("A1 STARTTLS\r\n"));
  EXPECT_THAT(parts(writer().idle()), ElementsAre("A1 IDLE\r\n", "DONE\r\n"));
  EXPECT_THAT(parts(writer().list_all("")), ElementsAre("A1 LIST \"\" \"*\"\r\n"));
  EXPECT_THAT(parts(writer().list_all("SPECIAL-USE")), ElementsAre("A1 LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\n"));
  EXPECT_THAT(parts(writer().examine(folder("inbox"), {})), ElementsAre("A1 EXAMINE \"INBOX\"\r\n"));
  EXPECT_THAT(parts(writer().examine(folder("a"), {.condstore = true, .qresync = {}})),
              ElementsAre("A1 EXAMINE \"a\" (CONDSTORE)\r\n"));
  const ExamineParameters::Since since{*UidValidity::from(14), *ModSeq::from(9'007'199'254'740'993)};
  EXPECT_THAT(parts(writer().examine(folder("a"), {.condstore = true, .qresync = since})),
              ElementsAre("A1 EXAMINE \"a\" (QRESYNC (14 9007199254740993))\r\n"));
  EXPECT_THAT(parts(writer().enable_qresync()), ElementsAre("A1 ENABLE QRESYNC\r\n"));
  EXPECT_THAT(parts(writer().uid_fetch("1:*", FetchItems::kFlags, ModSeq::from(7))),
              ElementsAre("A1 UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 7)\r\n"));
  EXPECT_THAT(parts(writer().status(folder("Sent Items"), false)),
              ElementsAre("A1 STATUS \"Sent Items\" (MESSAGES UIDNEXT UIDVALIDITY)\r\n"));
  EXPECT_THAT(parts(writer().status(folder("a"), true)),
              ElementsAre("A1 STATUS \"a\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)\r\n"));
  EXPECT_THAT(parts(writer().uid_fetch("1:3,7", FetchItems::kFlags)),
              ElementsAre("A1 UID FETCH 1:3,7 (UID FLAGS)\r\n"));
  EXPECT_THAT(parts(writer().uid_fetch("1:*", FetchItems::kSummaries)),
              ElementsAre("A1 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n"));
  EXPECT_THAT(parts(writer().uid_fetch("9", FetchItems::kIdentities)),
              ElementsAre("A1 UID FETCH 9 (UID FLAGS INTERNALDATE RFC822.SIZE"
                          " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])\r\n"));
  EXPECT_THAT(parts(writer().uid_fetch("9", FetchItems::kBodies)),
              ElementsAre("A1 UID FETCH 9 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])\r\n"));
  EXPECT_THAT(parts(writer().authenticate(SaslMechanism::kPlain, secret, true)),
              ElementsAre("A1 AUTHENTICATE PLAIN c2VjcmV0\r\n"));
  EXPECT_THAT(parts(writer().authenticate(SaslMechanism::kPlain, secret, false)),
              ElementsAre("A1 AUTHENTICATE PLAIN\r\n", "c2VjcmV0\r\n"));
  EXPECT_THAT(parts(writer().id({})), ElementsAre("A1 ID NIL\r\n"));
  const std::vector<std::pair<std::string_view, std::string_view>> fields = {{"name", "Mailmoor"}, {"version", "1"}};
  EXPECT_THAT(parts(writer().id(fields)), ElementsAre("A1 ID (\"name\" \"Mailmoor\" \"version\" \"1\")\r\n"));
}

TEST(CommandWriter, StringsThatCannotBeQuoted_AreLiterals) {
  for (const std::string_view name : {"a\"b", "a\\b", "a\r\nb", "a\tb", "caf\xc3\xa9"})
    EXPECT_THAT(parts(writer().examine(folder(name), {})),
                ElementsAre(concat("A1 EXAMINE {", name.size(), "}\r\n"), concat(name, "\r\n")));
  const std::string longest(1000, 'x');
  EXPECT_THAT(parts(writer().examine(folder(longest), {})), ElementsAre(concat("A1 EXAMINE \"", longest, "\"\r\n")));
  EXPECT_EQ(parts(writer().examine(folder(longest + 'x'), {})).size(), 2U);
  EXPECT_THAT(parts(writer().examine(folder(""), {})), ElementsAre("A1 EXAMINE \"\"\r\n"));
}

TEST(CommandWriter, LiteralPlusAndMinus_DoNotWait) {
  EXPECT_THAT(parts(writer(LiteralForm::kLiteralPlus).status(folder("a\"b"), false)),
              ElementsAre("A1 STATUS {3+}\r\na\"b (MESSAGES UIDNEXT UIDVALIDITY)\r\n"));
  EXPECT_EQ(parts(writer(LiteralForm::kLiteralMinus).examine(folder(std::string(4096, '"')), {})).size(), 1U);
  EXPECT_EQ(parts(writer(LiteralForm::kLiteralMinus).examine(folder(std::string(4097, '"')), {})).size(), 2U);
  EXPECT_EQ(parts(writer(LiteralForm::kLiteralPlus).examine(folder(std::string(4097, '"')), {})).size(), 1U);
}

TEST(CommandWriter, Login_QuotesOrSendsLiterals) {
  EXPECT_THAT(parts(writer().login("tim", Secret("pass word"))), ElementsAre("A1 LOGIN \"tim\" \"pass word\"\r\n"));
  EXPECT_THAT(parts(writer().login("tim", Secret("p\"w"))), ElementsAre("A1 LOGIN \"tim\" {3}\r\n", "p\"w\r\n"));
  EXPECT_THAT(parts(writer().login("t\\m", Secret("p\"w"))),
              ElementsAre("A1 LOGIN {3}\r\n", "t\\m {3}\r\n", "p\"w\r\n"));
}

TEST(CommandWriter, ForLog_HasNoSecret) {
  EXPECT_EQ(writer().login("tim", Secret("hunter2")).for_log, "LOGIN \"tim\" \"***\"");
  EXPECT_EQ(writer().login("tim", Secret("hun\"ter2")).for_log, "LOGIN \"tim\" ***");
  for (const bool sasl_ir : {true, false})
    EXPECT_EQ(writer().authenticate(SaslMechanism::kXoauth2, Secret("dG9r"), sasl_ir).for_log,
              "AUTHENTICATE XOAUTH2 ***");
  EXPECT_EQ(writer().examine(folder("a\"b"), {}).for_log, "EXAMINE \"a\"b\"");
}

// P3: read-only on the server.
constexpr std::string_view kMutating[] = {"STORE",  "EXPUNGE", "MOVE",      "COPY",        "APPEND", "DELETE", "RENAME",
                                          "SELECT", "CREATE",  "SUBSCRIBE", "UNSUBSCRIBE", "SETACL", "CLOSE",  "BODY["};

TEST(CommandWriter, EveryCommand_LeavesTheServerAsItIs) {
  const Secret secret("x");
  std::vector<CommandText> all;
  all.push_back(writer().capability());
  all.push_back(writer().noop());
  all.push_back(writer().logout());
  all.push_back(writer().starttls());
  all.push_back(writer().idle());
  all.push_back(writer().id({}));
  for (const auto mechanism : {SaslMechanism::kXoauth2, SaslMechanism::kOauthbearer, SaslMechanism::kPlain})
    all.push_back(writer().authenticate(mechanism, secret, true));
  all.push_back(writer().login("u", secret));
  all.push_back(writer().list_all("SPECIAL-USE STATUS (MESSAGES)"));
  all.push_back(writer().status(folder("f"), true));
  all.push_back(writer().examine(folder("f"), {}));
  all.push_back(writer().examine(folder("f"), {.condstore = true, .qresync = {}}));
  all.push_back(writer().enable_qresync());
  for (const auto items : {FetchItems::kFlags, FetchItems::kSummaries, FetchItems::kIdentities, FetchItems::kBodies})
    all.push_back(writer().uid_fetch("1", items));
  all.push_back(writer().uid_fetch("1", FetchItems::kFlags, ModSeq::from(7)));
  for (const CommandText& command : all)
    for (std::string part : parts(command)) {
      constexpr std::string_view kHarmless = " (CONDSTORE)"; // a parameter of EXAMINE, and no STORE
      if (const std::size_t at = part.find(kHarmless); at != std::string::npos) part.erase(at, kHarmless.size());
      for (const std::string_view word : kMutating)
        EXPECT_FALSE(contains_ignoring_case(part, word)) << part;
    }
}

// The string literals of one line of C++, comments left out.
std::vector<std::string> string_literals(const std::string& line) {
  std::vector<std::string> out;
  const std::string code = line.substr(0, line.find("//"));
  for (std::size_t open = code.find('"'); open != std::string::npos;) {
    const std::size_t close = code.find('"', open + 1);
    if (close == std::string::npos) break;
    out.push_back(code.substr(open + 1, close - open - 1));
    open = code.find('"', close + 1);
  }
  return out;
}

// Whether `word` stands in `text` with no letter beside it.
bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::string around = concat(' ', text, ' ');
    const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (!is_letter(around[at]) && !is_letter(around[at + word.size() + 1])) return true;
  }
  return false;
}

// The same for what the methods above do not reach: no string in the room's sources spells such a command.
TEST(CommandWriter, NoSourceOfTheRoom_SpellsAMutatingCommand) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TEST_SOURCE_DIR "/daemon/imap")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      for (const std::string& literal : string_literals(line)) {
        ++seen;
        if (literal == "EXPUNGE" || literal == "EXPUNGEISSUED" || literal == "BODY[]") continue; // what servers say
        for (const std::string_view word : kMutating)
          EXPECT_FALSE(has_word(literal, word)) << entry.path() << ": " << line;
      }
    }
  }
  EXPECT_GT(seen, 100U);
}

} // namespace
} // namespace mailmoor::imap
