#include "model/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor {
namespace {

using ::testing::ElementsAre;

TEST(Flags, WireNames_AreKnownInAnyCase) {
  Flags flags;
  flags.add("\\SEEN");
  flags.add("\\answered");
  EXPECT_TRUE(flags.has(SystemFlag::kSeen));
  EXPECT_TRUE(flags.has(SystemFlag::kAnswered));
  EXPECT_FALSE(flags.has(SystemFlag::kDraft));
  EXPECT_TRUE(flags.keywords().empty());
}

TEST(Flags, RecentAndUnknownSystemFlags_AreIgnored) {
  Flags flags;
  for (const std::string_view wire : {"\\Recent", "\\*", "\\Important", "\\", ""})
    flags.add(wire);
  EXPECT_EQ(flags, Flags());
}

TEST(Flags, Keywords_AreKeptOnce) {
  Flags flags;
  flags.add("$Junk");
  flags.add("$Junk");
  flags.add("Seen"); // without a backslash it is a keyword
  EXPECT_THAT(flags.keywords(), ElementsAre("$Junk", "Seen"));
  EXPECT_FALSE(flags.has(SystemFlag::kSeen));
}

TEST(Flags, MaildirLetters_AreInAsciiOrder) {
  Flags flags;
  for (const std::string_view wire : {"\\Deleted", "\\Seen", "\\Answered", "$FORWARDED", "\\Flagged", "\\Draft"})
    flags.add(wire);
  EXPECT_EQ(flags.maildir_letters(), "DFPRST");
  EXPECT_EQ(Flags().maildir_letters(), "");
}

TEST(Flags, EverySubsetOfLetters_RoundTrips) {
  constexpr std::string_view kLetters = "DFPRST";
  for (unsigned subset = 0; subset < 64; ++subset) {
    std::string letters;
    for (std::size_t i = 0; i < kLetters.size(); ++i)
      if ((subset >> i & 1U) != 0) letters.push_back(kLetters[i]);
    EXPECT_EQ(Flags::from_maildir_letters(letters).maildir_letters(), letters);
  }
}

TEST(Flags, ForeignLetters_AreIgnored) {
  EXPECT_EQ(Flags::from_maildir_letters("aSz2,:S").maildir_letters(), "S"); // Dovecot keeps keywords as a to z
}

TEST(Flags, SetAndClear_TouchOneFlag) {
  Flags flags;
  flags.set(SystemFlag::kSeen);
  flags.set(SystemFlag::kFlagged);
  flags.clear(SystemFlag::kSeen);
  EXPECT_EQ(flags.maildir_letters(), "F");
}

} // namespace
} // namespace mailmoor
