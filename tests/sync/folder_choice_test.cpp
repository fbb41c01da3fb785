#include "sync/folder_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::sync {
namespace {

[[nodiscard]] FolderName name(std::string_view wire) {
  return FolderName::from_wire(wire, '/');
}
[[nodiscard]] ListedFolder folder(std::string_view wire, std::vector<std::string> attributes = {}) {
  return {name(wire), std::move(attributes)};
}
[[nodiscard]] std::vector<Glob> globs(std::initializer_list<std::string_view> patterns) {
  std::vector<Glob> out;
  for (const std::string_view pattern : patterns)
    out.push_back(*Glob::parse(pattern));
  return out;
}
[[nodiscard]] FolderChoice choice(const ListedFolder& listed, const FolderRules& rules = {}) {
  return choose_folders({listed}, rules).front();
}

TEST(FolderChoice, NoRules_ChoosesMailFoldersInboxFirst) {
  const auto choices = choose_folders({folder("Zebra"), folder("Archive"), folder("inbox"), folder("Junk Email")}, {});
  std::vector<std::string> names;
  for (const FolderChoice& each : choices) {
    EXPECT_TRUE(each.chosen) << each.why;
    EXPECT_FALSE(each.why.empty());
    names.push_back(each.name.utf8());
  }
  EXPECT_THAT(names, testing::ElementsAre("INBOX", "Archive", "Junk Email", "Zebra"));
}

TEST(FolderChoice, FolderThatCannotBeOpened_IsLeftOutWhateverItsCase) {
  for (const char* attribute : {"\\Noselect", "\\NOSELECT", "\\NonExistent", "\\nonexistent"}) {
    const auto each = choice(folder("[Gmail]", {"\\HasChildren", attribute}), {globs({"*"}), {}, true});
    EXPECT_FALSE(each.chosen) << attribute;
  }
  EXPECT_TRUE(choice(folder("[Gmail]/All Mail", {"\\All", "\\HasNoChildren"})).chosen);
}

TEST(FolderChoice, IncludeAndExclude_FollowTheTable) {
  struct Row {
    std::string_view folder;
    std::initializer_list<std::string_view> include, exclude;
    bool chosen;
    std::string_view why;
  };
  for (const Row& row : {
           Row{"Sent Items", {"INBOX", "Sent*"}, {}, true, "Sent*"},
           Row{"Drafts", {"INBOX", "Sent*"}, {}, false, "no pattern"},
           Row{"Sent Items", {"Sent*"}, {"*Items"}, false, "*Items"},
           Row{"Spam", {}, {"Spam"}, false, "Spam"},
           Row{"spam", {}, {"Spam"}, true, "every"},
           Row{"Lists/dev", {"Lists/*"}, {}, true, "Lists/*"},
           Row{"INBOX", {"inbox"}, {}, true, "inbox"},
           Row{"INBOX", {"InB*"}, {}, true, "InB*"},
           Row{"INBOX", {"Sent"}, {}, false, "no pattern"},
           Row{"INBOX", {}, {"INBOX"}, false, "INBOX"},
           Row{"Entw&APw-rfe", {"Entw\u00FCrfe"}, {}, true, "Entw"},
       }) {
    const auto each = choice(folder(row.folder), {globs(row.include), globs(row.exclude), true});
    EXPECT_EQ(each.chosen, row.chosen) << row.folder;
    EXPECT_THAT(each.why, testing::HasSubstr(std::string(row.why))) << row.folder;
  }
}

TEST(FolderChoice, NonMailFolder_IsLeftOutUnlessAskedForByName) {
  const FolderRules by_default;
  EXPECT_FALSE(choice(folder("Calendar"), by_default).chosen);
  EXPECT_FALSE(choice(folder("Calendar/Birthdays"), by_default).chosen);
  EXPECT_FALSE(choice(folder("Calendar"), {globs({"*"}), {}, true}).chosen) << "all mail folders";
  EXPECT_TRUE(choice(folder("Calendar"), {globs({"INBOX", "Calendar"}), {}, true}).chosen);
  EXPECT_TRUE(choice(folder("Calendar/Birthdays"), {globs({"Cal*"}), {}, true}).chosen);
  EXPECT_TRUE(choice(folder("Calendar"), {{}, {}, /*skip_non_mail=*/false}).chosen) << "not Exchange";
  EXPECT_THAT(choice(folder("Calendar"), by_default).why, testing::HasSubstr("folders.include"));
}

TEST(FolderChoice, ListedTwice_IsAnsweredOnce) {
  EXPECT_EQ(choose_folders({folder("INBOX"), folder("a"), folder("Inbox"), folder("a")}, {}).size(), 2U);
}

TEST(NonMailName, KnownNames_InAnyCaseAndLanguage) {
  for (const std::string_view wire :
       {"Calendar", "calendar", "CONTACTS/Companies", "Sync Issues/Conflicts", "RSS Feeds", "RSS-Feeds/x", "Outbox",
        "Conversation History", "Yammer Root/Inbound", "Files", "Kalender", "Aufgaben", "T&AOI-ches", "Journal"})
    EXPECT_TRUE(is_non_mail_name(name(wire))) << wire;
}

TEST(NonMailName, MailFolders_AreNotTaken) {
  for (const std::string_view wire : {"INBOX", "Archive", "Junk Email", "Drafts", "Sent Items", "Projects/Calendar",
                                      "Calendars", "My Notes", "Deleted Items", ""})
    EXPECT_FALSE(is_non_mail_name(name(wire))) << wire;
}

} // namespace
} // namespace mailmoor::sync
