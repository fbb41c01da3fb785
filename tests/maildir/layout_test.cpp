#include "maildir/layout.h"

#include "util/concat.h"
#include "util/modified_utf7.h"
#include "util/utf8.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>

namespace mailmoor::maildir {
namespace {

constexpr Layout kBoth[] = {Layout::kMaildirPlusPlus, Layout::kFs};

[[nodiscard]] FolderName folder(std::string_view wire, char delimiter = '/') {
  return FolderName::from_wire(wire, delimiter);
}

// As the file system would resolve it: never absolute, never up, no component over NAME_MAX, no place of Maildir's own.
[[nodiscard]] bool stays_inside(const std::string& directory, Layout layout) {
  if (directory.empty()) return true;
  if (directory.size() > 2048 || directory.find('\0') != std::string::npos) return false;
  for (std::size_t at = 0; at <= directory.size();) {
    const std::size_t end = std::min(directory.find('/', at), directory.size());
    const std::string part = directory.substr(at, end - at);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    if (part == "cur" || part == "new" || part == "tmp") return false;
    if (part.starts_with(".mailmoor")) return false;
    if (layout == Layout::kFs && part.starts_with('.')) return false;
    at = end + 1;
  }
  return layout == Layout::kFs || (directory.starts_with('.') && directory.find('/') == std::string::npos);
}

struct Row {
  std::string_view wire;
  std::string_view maildir, fs;
};

TEST(Layout, Names_LiveWhereTheTableSays) {
  using namespace std::string_view_literals;
  for (const Row& row : {
           Row{"INBOX", "", ""},
           Row{"inbox", "", ""},
           Row{"Sent", ".Sent", "Sent"},
           Row{"Lists/dev", ".Lists.dev", "Lists/dev"},
           Row{"INBOX/sub", ".INBOX.sub", "INBOX/sub"},
           Row{"Entw&APw-rfe", ".Entw\xC3\xBCrfe", "Entw\xC3\xBCrfe"},
           Row{"a.b", ".a%2Eb", "a.b"},
           Row{"..", ".%2E%2E", "%2E%2E"},
           Row{".", ".%2E", "%2E"},
           Row{"../../etc", ".%2E%2E.%2E%2E.etc", "%2E%2E/%2E%2E/etc"},
           Row{".hidden", ".%2Ehidden", "%2Ehidden"},
           Row{"a\0b"sv, ".a%00b", "a%00b"},
           Row{"50%", ".50%25", "50%25"},
           Row{"%2E", ".%252E", "%252E"},
           Row{"", ".%", "%"},
           Row{"a//b", ".a.%.b", "a/%/b"},
           Row{"/a", ".%.a", "%/a"},
           Row{"back\\slash", ".back%5Cslash", "back%5Cslash"},
           Row{"tab\there", ".tab%09here", "tab%09here"},
           Row{"\xE9t\xE9", ".%25E9t%25E9", "%25E9t%25E9"}, // not UTF-8: shown as %E9, and that escaped
           Row{"cur", ".cur", "%63ur"},
           Row{"A/New", ".A.New", "A/%4Eew"},
           Row{"tmp/tmp", ".tmp.tmp", "%74mp/%74mp"},
           Row{"mailmoor-trash", ".%6Dailmoor-trash", "mailmoor-trash"},
           Row{"Mailmoor", ".%4Dailmoor", "Mailmoor"},
           Row{".mailmoor-trash", ".%2Emailmoor-trash", "%2Emailmoor-trash"},
           Row{"A/mailmoor", ".A.mailmoor", "A/mailmoor"},
           Row{"notmuch", ".%6Eotmuch", "notmuch"},
           Row{"dovecot-uidlist", ".dovecot-uidlist", "%64ovecot-uidlist"},
           Row{"ends ", ".ends%20", "ends%20"},
           Row{"ends.", ".ends%2E", "ends%2E"},
           Row{"~", ".~", "~"},
       }) {
    EXPECT_EQ(directory_of(folder(row.wire), Layout::kMaildirPlusPlus), row.maildir) << row.wire;
    EXPECT_EQ(directory_of(folder(row.wire), Layout::kFs), row.fs) << row.wire;
  }
}

TEST(Layout, ServersDelimiter_IsWhatSeparates) {
  EXPECT_EQ(directory_of(folder("A.b/c", '.'), Layout::kMaildirPlusPlus), ".A.b%2Fc");
  EXPECT_EQ(directory_of(folder("A.b/c", '.'), Layout::kFs), "A/b%2Fc");
  EXPECT_EQ(directory_of(folder("A.b/c", '\0'), Layout::kMaildirPlusPlus), ".A%2Eb%2Fc");
}

TEST(Layout, ControlCharactersBeyondAscii_AreEscaped) {
  EXPECT_EQ(directory_of(folder(encode_modified_utf7("a\xC2\x9B!")), Layout::kFs), "a%C2%9B!");
}

TEST(Layout, OverlongNames_AreShortenedUniquelyAndFit) {
  std::set<std::string> seen;
  for (const char last : {'a', 'b', 'c'})
    for (const std::size_t size : {std::size_t{254}, std::size_t{255}, std::size_t{256}, std::size_t{300}}) {
      const FolderName name = folder(std::string(size, 'x') + last);
      for (const Layout layout : kBoth) {
        const std::string directory = directory_of(name, layout);
        EXPECT_TRUE(stays_inside(directory, layout)) << directory;
        EXPECT_TRUE(seen.insert(directory).second || layout == Layout::kFs) << directory;
        EXPECT_EQ(is_marked(directory), !components_of(directory, layout));
      }
    }
}

TEST(Layout, Shortening_TearsNoCharacterAndNoEscape) {
  for (std::size_t offset = 0; offset < 6; ++offset) {
    std::string name(offset, 'x');
    while (name.size() < 400)
      name += "\xE6\x94\xB6.";
    const std::string directory = directory_of(folder(encode_modified_utf7(name)), Layout::kMaildirPlusPlus);
    ASSERT_TRUE(is_marked(directory));
    EXPECT_TRUE(is_valid_utf8(directory));
    const std::string stem = directory.substr(0, directory.find("%~"));
    EXPECT_TRUE(stem.ends_with("%2E") || stem.ends_with("\xB6")) << stem;
    EXPECT_LE(directory.size(), 255U);
  }
}

TEST(Layout, DeepTree_IsShortenedToOneComponent) {
  std::string wire = "top";
  for (int i = 0; i < 300; ++i)
    wire += "/level-" + std::to_string(i);
  const std::string directory = directory_of(folder(wire), Layout::kFs);
  EXPECT_TRUE(stays_inside(directory, Layout::kFs)) << directory;
  EXPECT_TRUE(directory.starts_with("top%~")) << directory;
}

TEST(Layout, RandomNames_StayInsideAndComeBack) {
  std::mt19937 random(20240117);
  const std::vector<std::string> pieces = {
      ".",        "..",    "/",  "\\",       "%",       "%2E",          "~",        "cur",          "new",
      "TMP",      "a",     "B",  " ",        "\n",      "\x7F",         "\xC3\xA9", "\xE6\x94\xB6", "\xC2\x80",
      "mailmoor", "INBOX", "%~", "dovecot-", "notmuch", "maildirfolder"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto n = random() % 7; n > 0; --n)
      text += pieces[random() % pieces.size()];
    const FolderName name = folder(encode_modified_utf7(text), random() % 2 == 0 ? '/' : '.');
    for (const Layout layout : kBoth) {
      const std::string directory = directory_of(name, layout);
      ASSERT_TRUE(stays_inside(directory, layout)) << directory;
      ASSERT_EQ(directory.empty(), name.is_inbox());
      const auto components = components_of(directory, layout);
      ASSERT_TRUE(components) << directory;
      ASSERT_EQ(*components, name.components()) << directory;
    }
  }
}

TEST(Layout, HostileBytes_StayInside) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string wire;
    for (auto n = random() % 12; n > 0; --n)
      wire.push_back(static_cast<char>(random()));
    for (const Layout layout : kBoth)
      ASSERT_TRUE(stays_inside(directory_of(folder(wire, static_cast<char>(random())), layout), layout));
  }
}

TEST(Layout, DirectoriesThatAreNotOurs_HaveNoComponents) {
  for (const std::string_view directory : {"Sent", ".a%2eb", ".a%4", ".a%", ".%41", "./x", ".a%~0123456789ABCDEF"})
    EXPECT_FALSE(components_of(directory, Layout::kMaildirPlusPlus)) << directory;
  for (const std::string_view directory : {"cur", "a/../b", "..", ".x", "a%2Eb", "a/", "/a", "x%GGy"})
    EXPECT_FALSE(components_of(directory, Layout::kFs)) << directory;
}

TEST(FoldKey, SpellingsOfOneName_AreEqual) {
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{
           {"Sent", "SENT"},
           {"\u00C9t\u00E9", "\u00E9t\u00C9"},
           {"caf\u00E9", "cafe\u0301"},
           {"\u1EC7", "e\u0323\u0302"},
           {"Stra\u00DFe", "STRASSE"},
           {"\uFB01n", "FIN"},
           {"\u212Aelvin", "kelvin"},
           {"\u03A3\u03AF\u03C2", "\u03C3\u038A\u03C3"},
           {"\u0412\u0445\u043E\u0434", "\u0432\u0425\u041E\u0414"},
           {"\u0439", "\u0438\u0306"},
           {"\u0531", "\u0561"},
           {"\u304C", "\u304B\u3099"},
           {"\u30D1", "\u30CF\u309A"},
           {"\uD55C\uAE00", "\u1112\u1161\u11AB\u1100\u1173\u11AF"},
           {"so\u00ADft", "soft"},
       })
    EXPECT_EQ(fold_key(a), fold_key(b)) << a << " " << b;
}

TEST(FoldKey, OrdinaryNames_Differ) {
  const std::vector<std::string> names = {"Sent",
                                          "Drafts",
                                          "Entw\u00FCrfe",
                                          "Gel\u00F6schte Elemente",
                                          "\u6536\u4EF6\u7BB1",
                                          "\u8349\u7A3F",
                                          "\u0412\u0445\u043E\u0434\u044F\u0449\u0438\u0435",
                                          "\u0427\u0435\u0440\u043D\u043E\u0432\u0438\u043A\u0438",
                                          "\uBC1B\uC740\uD3B8\uC9C0\uD568",
                                          "\uBCF4\uB0B8\uD3B8\uC9C0\uD568",
                                          "\u53D7\u4FE1\u30C8\u30EC\u30A4",
                                          "\u30A2\u30FC\u30AB\u30A4\u30D6"};
  std::set<std::string> keys;
  for (const std::string& name : names)
    EXPECT_TRUE(keys.insert(fold_key(name)).second) << name;
}

TEST(DirectoryMap, NamesThatDifferByCase_GetTheirOwnDirectories) {
  for (const Layout layout : kBoth) {
    const auto map = DirectoryMap::assign(layout, {folder("sent"), folder("INBOX"), folder("Sent"), folder("SENT")});
    std::set<std::string> keys;
    for (const auto& [wire, directory] : map.all()) {
      EXPECT_TRUE(keys.insert(fold_key(directory)).second) << directory;
      EXPECT_TRUE(stays_inside(directory, layout));
    }
    EXPECT_EQ(keys.size(), 4U);
    EXPECT_EQ(map.directory(folder("SENT")), directory_of(folder("SENT"), layout)) << "the first by name stays plain";
    EXPECT_TRUE(is_marked(*map.directory(folder("sent"))));
    EXPECT_FALSE(map.directory(folder("Other")));
  }
}

TEST(DirectoryMap, WireNamesOfOneMeaning_GetTheirOwnDirectories) {
  // "&AGE-" is a clumsy way to write "a"; "\xE9" is shown as "%E9".
  const auto map = DirectoryMap::assign(
      Layout::kFs, {folder("a"), folder("&AGE-"), folder("%E9"), folder("\xE9"), folder("&AEk-NBOX")});
  std::set<std::string> directories;
  for (const auto& [wire, directory] : map.all())
    directories.insert(directory);
  EXPECT_EQ(directories.size(), 5U);
  EXPECT_FALSE(directories.contains("")) << "INBOX's place is INBOX's";
}

TEST(DirectoryMap, ParentsThatDifferByCase_KeepTheirChildrenApart) {
  const auto map = DirectoryMap::assign(Layout::kFs, {folder("A"), folder("a"), folder("A/x"), folder("a/x")});
  std::set<std::string> keys;
  for (const auto& [wire, directory] : map.all())
    EXPECT_TRUE(keys.insert(fold_key(directory)).second) << directory;
}

TEST(DirectoryMap, OrderAndRepetition_DoNotMatter) {
  std::vector<FolderName> names = {folder("b"), folder("B"), folder("\u00E9"), folder("e\u0301"), folder("c")};
  const auto expected = DirectoryMap::assign(Layout::kMaildirPlusPlus, names).all();
  std::ranges::sort(names, {}, &FolderName::wire);
  do {
    auto twice = names;
    twice.insert(twice.end(), names.begin(), names.end());
    EXPECT_EQ(DirectoryMap::assign(Layout::kMaildirPlusPlus, twice).all(), expected);
  } while (std::ranges::next_permutation(names, {}, &FolderName::wire).found);
}

TEST(DirectoryMap, RecordedFolder_StaysWhenATwinAppears) {
  const auto before = DirectoryMap::assign(Layout::kFs, {folder("sent")});
  EXPECT_EQ(before.directory(folder("sent")), "sent");
  const auto after = DirectoryMap::assign(Layout::kFs, {folder("SENT"), folder("sent")}, before.all());
  EXPECT_EQ(after.directory(folder("sent")), "sent");
  EXPECT_TRUE(is_marked(*after.directory(folder("SENT"))));
  const auto later = DirectoryMap::assign(Layout::kFs, {folder("SENT")}, after.all());
  EXPECT_EQ(later.directory(folder("SENT")), after.directory(folder("SENT"))) << "nor moves back when it goes";
}

TEST(DirectoryMap, RecordOfAnotherLayoutOrDamaged_IsIgnored) {
  const auto map =
      DirectoryMap::assign(Layout::kFs, {folder("A/b"), folder("c"), folder("d"), folder("INBOX")},
                           {{"A/b", ".A.b"}, {"c", "../../etc"}, {"d", "d%~0000000000000000"}, {"INBOX", "elsewhere"}});
  EXPECT_EQ(map.directory(folder("A/b")), "A/b");
  EXPECT_EQ(map.directory(folder("c")), "c");
  EXPECT_EQ(map.directory(folder("d")), "d");
  EXPECT_EQ(map.directory(folder("INBOX")), "");
}

TEST(DirectoryMap, RandomTwins_NeverMeet) {
  std::mt19937 random(99);
  const std::vector<std::string> pieces = {"a", "A", "\u00E9", "e\u0301", "E\u0301", "/",
                                           ".", "x", "X",      "\u00DF",  "ss"};
  for (int round = 0; round < 300; ++round) {
    std::vector<FolderName> names;
    for (int i = 0; i < 40; ++i) {
      std::string text;
      for (auto n = 1 + random() % 4; n > 0; --n)
        text += pieces[random() % pieces.size()];
      names.push_back(folder(encode_modified_utf7(text)));
    }
    for (const Layout layout : kBoth) {
      const auto map = DirectoryMap::assign(layout, names);
      std::set<std::string> keys;
      for (const FolderName& name : names)
        ASSERT_TRUE(map.directory(name));
      for (const auto& [wire, directory] : map.all())
        ASSERT_TRUE(keys.insert(fold_key(directory)).second) << directory;
    }
  }
}

} // namespace
} // namespace mailmoor::maildir
