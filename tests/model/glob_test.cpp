#include "model/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace mailmoor {
namespace {

struct MatchCase {
  const char* pattern;
  const char* name;
  bool matches;
};

class GlobMatch : public ::testing::TestWithParam<MatchCase> {};

TEST_P(GlobMatch, Name_AgainstPattern_AnswersAsTheTableSays) {
  const auto [pattern, name, matches] = GetParam();
  const auto glob = Glob::parse(pattern);
  ASSERT_TRUE(glob) << glob.error();
  EXPECT_EQ(glob->matches(name), matches) << pattern << " against " << name;
}

INSTANTIATE_TEST_SUITE_P(Table, GlobMatch,
                         ::testing::ValuesIn(std::to_array<MatchCase>({
                             {"INBOX", "INBOX", true},
                             {"INBOX", "INBOX/a", false},
                             {"INBOX", "INBO", false},
                             {"INBOX", "inbox", false},
                             {"*", "", true},
                             {"*", "a/b", true},
                             {"**", "x", true},
                             {"?", "", false},
                             {"?", "ä", true},
                             {"?", "ab", false},
                             {"Sent*", "Sent", true},
                             {"Sent*", "Sent Items/2024", true},
                             {"*s", "Lists", true},
                             {"*s", "List", false},
                             {"a*b*c", "aXbYbZc", true},
                             {"a*b*c", "aXbYbZ", false},
                             {"*ab", "aab", true},
                             {"[abc]x", "bx", true},
                             {"[abc]x", "dx", false},
                             {"[a-c]x", "cx", true},
                             {"[!a-c]x", "cx", false},
                             {"[^a-c]x", "dx", true},
                             {"[]]x", "]x", true},
                             {"[a-]", "-", true},
                             {"[a-]", "b", false},
                             {"[ä-ü]", "ö", true},
                             {"[\\]-_]", "^", true},
                             {"\\[Gmail\\]/*", "[Gmail]/All Mail", true},
                             {"\\[Gmail\\]/*", "G/All Mail", false},
                             {"[Gmail]/*", "G/All Mail", true},
                             {"\\*", "*", true},
                             {"\\*", "x", false},
                             {"Entwürfe*", "Entwürfe/Alt", true},
                             {"a]b", "a]b", true},
                             {"[!x]", "", false},
                         })));

struct BadPattern {
  std::string pattern;
  const char* says;
};

class GlobParse : public ::testing::TestWithParam<BadPattern> {};

TEST_P(GlobParse, BadPattern_IsRefusedWithWhatWouldBeRight) {
  const auto glob = Glob::parse(GetParam().pattern);
  ASSERT_FALSE(glob);
  EXPECT_THAT(glob.error(), ::testing::HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(Table, GlobParse,
                         ::testing::Values(BadPattern{"", "write \"*\""}, BadPattern{"[abc", "\\["},
                                           BadPattern{"[", "never closed"}, BadPattern{"[!", "never closed"},
                                           BadPattern{"[]", "never closed"}, BadPattern{"[z-a]", "backwards"},
                                           BadPattern{"a\\", "must be followed"},
                                           BadPattern{"[a\\", "must be followed"},
                                           BadPattern{"[a-\\", "must be followed"}, BadPattern{"\xff", "not UTF-8"},
                                           BadPattern{std::string(1025, 'a'), "1024"}));

TEST(Glob, EveryPrefixOfAPattern_ParsesOrIsRefused_AndNeverReadsPastItsEnd) {
  const std::string pattern = "a*[!x-z\\]]?\\*[]-a]ü[ö-ü]";
  for (std::size_t size = 1; size <= pattern.size(); ++size) {
    const std::string prefix = pattern.substr(0, size);
    if (const auto glob = Glob::parse(prefix)) {
      EXPECT_EQ(glob->pattern(), prefix);
    }
  }
  ASSERT_TRUE(Glob::parse(pattern));
}

// Exponential matchers do not return from this one in a lifetime.
TEST(Glob, ManyStarsAgainstALongNearMiss_Returns) {
  std::string pattern;
  for (int i = 0; i < 200; ++i)
    pattern += "a*";
  const auto glob = Glob::parse(pattern + "b");
  ASSERT_TRUE(glob);
  EXPECT_FALSE(glob->matches(std::string(10'000, 'a')));
}

TEST(Glob, NameThatIsNotUtf8_CountsEachBadByteAsOneCharacter) {
  EXPECT_TRUE(Glob::parse("a?b")->matches("a\xff"
                                          "b"));
  EXPECT_FALSE(Glob::parse("a?b")->matches("a\xff\xff"
                                           "b"));
}

} // namespace
} // namespace mailmoor
