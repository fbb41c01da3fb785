#include "model/flag_map.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace mailmoor {
namespace {

[[nodiscard]] FlagLetters letters(std::string_view text) {
  return FlagLetters::parse(text);
}
[[nodiscard]] Uid uid(std::uint32_t value) {
  return *Uid::from(value);
}

TEST(FlagLetters, SpellingsOfWireAndMaildir_Agree) {
  Flags flags;
  for (const std::string_view wire : {"\\Seen", "$forwarded", "\\Draft", "$Junk"})
    flags.add(wire);
  EXPECT_EQ(FlagLetters(flags).to_string(), "DPS");
  EXPECT_EQ(letters("SaFZ!T").to_string(), "FST") << "what is no flag of a server is ignored";
  EXPECT_TRUE(letters("").empty());
}

TEST(FlagLetters, Bits_ArePersistedAndNeverRenumbered) {
  EXPECT_EQ(letters("D").bits(), 1);
  EXPECT_EQ(letters("F").bits(), 2);
  EXPECT_EQ(letters("P").bits(), 4);
  EXPECT_EQ(letters("R").bits(), 8);
  EXPECT_EQ(letters("S").bits(), 16);
  EXPECT_EQ(letters("T").bits(), 32);
  for (std::int64_t bits = 0; bits < 64; ++bits)
    EXPECT_EQ(FlagLetters::from_bits(bits)->bits(), bits);
  EXPECT_FALSE(FlagLetters::from_bits(64));
  EXPECT_FALSE(FlagLetters::from_bits(-1));
}

TEST(MergeFlags, EachFlagByItself_FollowsTheTable) {
  struct Row {
    std::string_view title, base, server, local, merged;
  };
  for (const Row& row : {
           Row{"nothing changed", "S", "S", "S", "S"},
           Row{"set on the server", "", "S", "", "S"},
           Row{"cleared on the server", "S", "", "S", ""},
           Row{"set here", "", "", "F", "F"},
           Row{"cleared here", "F", "F", "", ""},
           Row{"both set it", "", "S", "S", "S"},
           Row{"both cleared it", "S", "", "", ""},
           Row{"different flags on the two sides", "S", "RS", "FS", "FRS"},
           Row{"set here, another cleared there", "S", "", "FS", "F"},
       })
    EXPECT_EQ(merge_flags(letters(row.base), letters(row.server), letters(row.local)).to_string(), row.merged)
        << row.title;
}

TEST(MergeFlags, WithoutABase_NoFlagIsLost) {
  EXPECT_EQ(merge_flags({}, letters("S"), letters("F")).to_string(), "FS");
}

TEST(MergeFlags, OutcomeMergedAgain_StaysTheSame) {
  for (std::int64_t base = -1; base < 64; ++base)
    for (std::int64_t server = 0; server < 64; ++server)
      for (std::int64_t local = 0; local < 64; ++local) {
        const auto from = FlagLetters::from_bits(base);
        const FlagLetters there = *FlagLetters::from_bits(server);
        const FlagLetters once = merge_flags(from, there, *FlagLetters::from_bits(local));
        ASSERT_EQ(merge_flags(from, there, once), once) << base << ' ' << server << ' ' << local;
      }
}

TEST(FlagMap, NeighboursWithEqualFlags_AreOneRun) {
  FlagMap map;
  for (std::uint32_t i = 1; i <= 100'000; ++i)
    map.set(uid(i), letters("S"));
  EXPECT_EQ(map.runs().size(), 1U);
  map.set(uid(500), letters(""));
  EXPECT_EQ(map.runs().size(), 3U);
  map.set(uid(500), letters("S"));
  EXPECT_EQ(map.runs().size(), 1U);
}

TEST(FlagMap, RandomEdits_EqualAPlainMap) {
  std::minstd_rand random(7); // fixed: a failure repeats
  FlagMap map;
  std::map<std::uint32_t, FlagLetters> model;
  for (int i = 0; i < 2000; ++i) {
    const auto first = static_cast<std::uint32_t>(random() % 60 + 1);
    const UidRange range{first, first + static_cast<std::uint32_t>(random() % 6)};
    const FlagLetters flags = *FlagLetters::from_bits(static_cast<std::int64_t>(random() % 3));
    UidSet erased;
    erased.insert(range);
    const bool erases = random() % 4 == 0;
    erases ? map.erase(erased) : map.set(range, flags);
    for (std::uint32_t u = range.first; u <= range.last; ++u)
      if (erases)
        model.erase(u);
      else
        model[u] = flags;
    for (std::uint32_t u = 1; u < 70; ++u) {
      const auto found = model.find(u);
      ASSERT_EQ(map.find(uid(u)), found == model.end() ? std::nullopt : std::optional(found->second)) << u;
    }
    for (std::size_t r = 1; r < map.runs().size(); ++r) {
      const FlagRun& before = map.runs()[r - 1];
      const FlagRun& after = map.runs()[r];
      ASSERT_TRUE(before.uids.last + 1 < after.uids.first ||
                  (before.uids.last + 1 == after.uids.first && before.flags != after.flags));
    }
  }
}

TEST(FlagMap, HighestUid_OverflowsNothing) {
  FlagMap map;
  map.set(UidRange{1, 0xFFFF'FFFF}, letters("S"));
  UidSet top;
  top.insert(uid(0xFFFF'FFFF));
  map.erase(top);
  EXPECT_FALSE(map.find(uid(0xFFFF'FFFF)));
  EXPECT_EQ(map.find(uid(0xFFFF'FFFE)), letters("S"));
}

TEST(FlagRows, InAnyOrder_TheLastWordOnAUidCounts) {
  FlagRows rows;
  rows.add(uid(3), letters("S"));
  rows.add(uid(1), letters(""));
  rows.add(uid(2), letters("S"));
  rows.add(uid(1), letters("S"));
  EXPECT_EQ(rows.size(), 4U);
  const FlagMap map = rows.take();
  ASSERT_EQ(map.runs().size(), 1U);
  EXPECT_EQ(map.runs()[0], (FlagRun{{1, 3}, letters("S")}));
  EXPECT_TRUE(rows.take().empty());
}

} // namespace
} // namespace mailmoor
