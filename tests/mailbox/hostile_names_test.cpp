// Folder names that want to be something else on disk: each gets a directory of its own inside the mailbox's.
#include "mailbox/mailbox_world.h"
#include "maildir/layout.h"
#include "util/modified_utf7.h"
#include "util/utf8.h"

#include <set>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

[[nodiscard]] std::vector<std::string> hostile_names() {
  std::string long_word;
  while (long_word.size() < 290)
    long_word += "\xE6\x94\xB6"; // three bytes a character
  std::string deep = "d";
  while (deep.size() < 900)
    deep += "/d";
  return {
      "..",
      ".",
      "../..",
      "../../etc/passwd",
      "/etc/passwd",
      "a/../../b",
      "./x",
      "~",
      "~root/x",
      "a//b",
      "/",
      // What has a meaning in a Maildir, of Mailmoor, Dovecot, Courier and notmuch.
      "cur",
      "new",
      "tmp",
      "Cur",
      "INBOX/cur",
      "INBOX/new",
      "A/cur",
      "A/tmp/new",
      ".mailmoor-trash",
      "mailmoor-trash",
      ".mailmoor-name",
      "A/.mailmoor-name",
      "maildirfolder",
      "A/maildirfolder",
      "dovecot-uidlist",
      "subscriptions",
      "courierimapsubscribed",
      ".notmuch",
      "notmuch",
      "mailmoor",
      // Control characters, quotes, what shells and terminals would make of them.
      "tab\there",
      "\x1B[2J",
      "bell\x07",
      "del\x7F",
      "back\\slash",
      "quo\"ted",
      "$(touch x)",
      "-rf",
      "*",
      "%",
      "\xC2\x9B"
      "31m",
      "name ",
      "name.",
      " name",
      // Escapes that are none.
      "%2E%2E",
      "%2F",
      "%~0123456789ABCDEF",
      "a%~0123456789ABCDEF",
      // Over-long ones, that begin alike.
      std::string(300, 'x'),
      std::string(299, 'x') + "y",
      std::string(255, 'z'),
      std::string(256, 'z'),
      encode_modified_utf7(long_word),
      deep,
      // One to a file system that folds case or accents.
      "Archive",
      "archive",
      "ARCHIVE",
      "Stra&AN8-e",
      "Strasse",
      "STRASSE",
      "&AOk-",
      "e&AwE-",
      // Modified UTF-7, UTF-8 and neither, some of them the same word.
      "Gel&APY-scht",
      "Gel\xC3\xB6scht",
      "Gel\xF6scht",
      "&bad",
      "&",
      "&-",
      "&Jjo-!",
      "&2AA-",
  };
}

class HostileNamesTest : public MailboxWorld, public ::testing::WithParamInterface<maildir::Layout> {
 protected:
  HostileNamesTest() {
    settings.layout = GetParam();
    settings.push = false;
    settings.poll = 1000h;
    settings.folders.skip_non_mail = false;
    server.capabilities += " LITERAL+";
    int number = 0;
    for (const std::string& name : hostile_names())
      server.folders[name].deliver(message(concat("of folder ", ++number, '.')));
    server.folders["INBOX"].deliver(message("of INBOX"));
  }
  [[nodiscard]] bool synced() {
    return world.until([this] { return mailbox->view().state == MailboxState::kIdle; });
  }
  // Every message below a directory: its bytes → where it lies. Looks at the names of all directories on the way.
  void collect(const std::string& directory, std::multimap<std::string, std::string>& found) {
    for (const char* sub : {"/new", "/cur"})
      for (const auto& [name, bytes] : disk.files(directory + sub))
        found.emplace(bytes, directory);
    std::vector<std::string> below;
    ASSERT_TRUE(disk.list_blocking(directory, [&](std::string_view name) { below.emplace_back(name); }));
    for (const std::string& name : below) {
      EXPECT_LE(name.size(), 255U);
      EXPECT_NE("..", name);
      EXPECT_NE(".", name);
      EXPECT_TRUE(is_valid_utf8(name)) << name;
      EXPECT_TRUE(std::ranges::none_of(name, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; })) << name;
      const std::string path = concat(directory, '/', name);
      const auto status = disk.stat_blocking(path);
      ASSERT_TRUE(status && *status);
      const bool is_maildirs_own = name == "new" || name == "cur" || name == "tmp";
      if ((*status)->is_directory && !is_maildirs_own) collect(path, found);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(BothLayouts, HostileNamesTest,
                         ::testing::Values(maildir::Layout::kMaildirPlusPlus, maildir::Layout::kFs));

TEST_P(HostileNamesTest, EachFolder_HasADirectoryOfItsOwnInside) {
  start();
  ASSERT_TRUE(synced());
  for (const auto& [wire, folder] : mailbox->folders())
    EXPECT_TRUE(folder.chosen) << wire << ": " << folder.why;
  for (const char* above : {"/", "/mail"}) {
    std::vector<std::string> names;
    ASSERT_TRUE(disk.list_blocking(above, [&names](std::string_view name) { names.emplace_back(name); }));
    EXPECT_EQ(1U, names.size()) << "nothing is outside of the mailbox's directory, but in " << above;
  }
  std::multimap<std::string, std::string> found;
  collect("/mail/alice", found);
  EXPECT_EQ(server.folders.size(), found.size());
  std::set<std::string> directories, folded;
  for (const auto& [bytes, directory] : found) {
    directories.insert(directory);
    folded.insert(maildir::fold_key(directory));
  }
  EXPECT_EQ(server.folders.size(), directories.size()) << "no two share one";
  EXPECT_EQ(server.folders.size(), folded.size()) << "nor would on a file system that folds case";
  for (const auto& [wire, folder] : server.folders) {
    std::string bytes = folder.messages.begin()->second;
    std::erase(bytes, '\r');
    EXPECT_EQ(1U, found.count(bytes)) << wire;
    const auto at = found.find(bytes);
    if (at != found.end()) {
      EXPECT_EQ(at->second, directory_of(mailbox->folders().at(wire).place)) << wire;
    }
  }
  EXPECT_EQ(1U, delivered()) << "INBOX has its own message only";
}

TEST_P(HostileNamesTest, AfterARestart_EachIsWhereItWasAndNothingIsFetchedAgain) {
  start();
  ASSERT_TRUE(synced());
  std::map<std::string, std::string> places;
  for (const auto& [wire, folder] : mailbox->folders())
    places.emplace(wire, directory_of(folder.place));
  const std::size_t commands = server.commands.size();
  start();
  ASSERT_TRUE(synced());
  for (const auto& [wire, folder] : mailbox->folders())
    EXPECT_EQ(places.at(wire), directory_of(folder.place)) << wire;
  for (std::size_t i = commands; i < server.commands.size(); ++i)
    EXPECT_FALSE(server.commands[i].contains("BODY.PEEK[]")) << server.commands[i];
}

TEST_P(HostileNamesTest, NameWithNul_IsLeftOutAndTheOthersAreSynced) {
  using namespace std::string_literals;
  server.folders = {{"INBOX", {}}, {"Good", {}}};
  server.folders["Good"].deliver(message("good"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("LIST")) return {};
    return "* LIST () \"/\" INBOX\r\n* LIST () \"/\" {3}\r\na\0b\r\n* LIST () \"/\" \"x\0y\"\r\n"
           "* LIST () \"/\" Good\r\n%t OK done\r\n"s;
  };
  start();
  ASSERT_TRUE(synced());
  EXPECT_EQ(2U, mailbox->folders().size());
  EXPECT_EQ(1U, delivered(GetParam() == maildir::Layout::kFs ? "Good" : ".Good"));
}

} // namespace
} // namespace mailmoor::mailbox
