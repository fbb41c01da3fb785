#include "model/uid_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>

namespace mailmoor {
namespace {

using ::testing::Optional;
using Model = std::set<std::uint32_t>;

constexpr std::uint32_t kLast = std::numeric_limits<std::uint32_t>::max();

[[nodiscard]] UidSet parsed(std::string_view text) {
  return UidSet::parse(text).value();
}

[[nodiscard]] Model members(const UidSet& set) {
  Model out;
  set.for_each([&out](Uid uid) { EXPECT_TRUE(out.insert(uid.value()).second); });
  return out;
}

// What the header promises about ranges(): sorted, disjoint, never adjacent, none reversed.
[[nodiscard]] bool is_normal(const UidSet& set) {
  std::uint64_t lowest = 1;
  for (const UidRange& range : set.ranges()) {
    if (range.first < lowest || range.last < range.first) return false;
    lowest = static_cast<std::uint64_t>(range.last) + 2;
  }
  return true;
}

TEST(UidSet, Text_IsASequenceSet) {
  EXPECT_EQ(UidSet().to_string(), "");
  EXPECT_EQ(parsed("1:4,7,9:12").to_string(), "1:4,7,9:12");
  EXPECT_EQ(parsed("12:9,7,4:1").to_string(), "1:4,7,9:12");
  EXPECT_EQ(parsed("3,2,1,2:5,6").to_string(), "1:6");
  EXPECT_EQ(parsed("4294967295").to_string(), "4294967295");
  EXPECT_THAT(UidSet::parse(""), Optional(UidSet()));
}

TEST(UidSet, OtherText_IsRefused) {
  for (const std::string_view bad : {"0",
                                     "0:4",
                                     "1:0",
                                     "*",
                                     "1:*",
                                     "$",
                                     ",",
                                     "1,",
                                     ",1",
                                     "1,,2",
                                     "1:",
                                     ":1",
                                     "1:2:3",
                                     " 1",
                                     "1 ",
                                     "1, 2",
                                     "+1",
                                     "-1",
                                     "4294967296",
                                     "1:4294967296",
                                     "99999999999999999999",
                                     "a",
                                     "1a"})
    EXPECT_FALSE(UidSet::parse(bad)) << bad;
  EXPECT_FALSE(UidSet::parse(std::string_view("1\0", 2)));
}

TEST(UidSet, TheWholeRange_DoesNotOverflow) {
  UidSet all = parsed("1:4294967295");
  EXPECT_EQ(all.size(), 4'294'967'295ULL);
  EXPECT_EQ(all.max()->value(), kLast);
  all.insert(*Uid::from(kLast));
  EXPECT_EQ(all.ranges().size(), 1U);
  all.erase(*Uid::from(kLast));
  EXPECT_EQ(all.to_string(), "1:4294967294");
  all.insert(*Uid::from(kLast));
  EXPECT_EQ(all.to_string(), "1:4294967295");
  EXPECT_EQ(all.take_highest(1).to_string(), "4294967295");
  EXPECT_EQ(all.take_lowest(4'294'967'293ULL).to_string(), "1:4294967293");
  EXPECT_EQ(all.to_string(), "4294967294");
  EXPECT_TRUE(parsed("5:4294967295").minus(parsed("1:4294967295")).empty());
  int visited = 0;
  parsed("4294967294:4294967295").for_each([&visited](Uid) { ++visited; });
  EXPECT_EQ(visited, 2);
}

TEST(UidSet, Empty_HasNoMaximum) {
  UidSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.max());
  EXPECT_EQ(set.size(), 0U);
  EXPECT_TRUE(set.take_highest(3).empty());
  EXPECT_TRUE(set.take_lowest(3).empty());
  set.erase(*Uid::from(1));
  EXPECT_FALSE(set.contains(*Uid::from(1)));
}

// A server may list every second UID, in any order: that must not take quadratic time.
TEST(UidSet, ManyHoles_StayFast) {
  constexpr std::uint32_t kCount = 300'000;
  std::string descending;
  for (std::uint32_t i = kCount; i > 0; --i)
    descending += (descending.empty() ? "" : ",") + std::to_string(i * 2);
  UidSet set = parsed(descending);
  EXPECT_EQ(set.ranges().size(), kCount);
  EXPECT_EQ(set.take_highest(kCount).ranges().size(), kCount);
  EXPECT_TRUE(set.empty());
}

class UidSetAgainstModel : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  [[nodiscard]] std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  [[nodiscard]] UidRange some_range() {
    const std::uint32_t first = 1 + below(120);
    return {first, first + below(12)};
  }
  [[nodiscard]] UidSet some_set() {
    UidSet set;
    for (std::uint32_t left = below(8); left != 0; --left)
      set.insert(some_range());
    return set;
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(UidSetAgainstModel, RandomOperations_Agree) {
  UidSet set;
  Model model;
  for (int step = 0; step < 4'000; ++step) {
    const UidRange range = some_range();
    const UidSet other = some_set();
    const Model other_model = members(other);
    switch (below(7)) {
    case 0:
    case 1:
      set.insert(range);
      for (std::uint32_t uid = range.first; uid <= range.last; ++uid)
        model.insert(uid);
      break;
    case 2:
      set.erase(range);
      for (std::uint32_t uid = range.first; uid <= range.last; ++uid)
        model.erase(uid);
      break;
    case 3:
      set.insert(other);
      model.insert(other_model.begin(), other_model.end());
      break;
    case 4: {
      Model difference;
      std::ranges::set_difference(model, other_model, std::inserter(difference, difference.end()));
      ASSERT_TRUE(is_normal(set.minus(other)));
      ASSERT_EQ(members(set.minus(other)), difference);
      Model common;
      std::ranges::set_intersection(model, other_model, std::inserter(common, common.end()));
      ASSERT_TRUE(is_normal(set.intersect(other)));
      ASSERT_EQ(members(set.intersect(other)), common);
      break;
    }
    case 5: {
      const std::size_t wanted = below(9);
      const std::size_t before = model.size();
      const UidSet taken = set.take_highest(wanted);
      ASSERT_TRUE(is_normal(taken));
      ASSERT_EQ(taken.size(), std::min(wanted, before));
      for (const std::uint32_t uid : members(taken))
        ASSERT_EQ(model.erase(uid), 1U);
      if (!taken.empty() && !model.empty()) {
        ASSERT_LT(*model.rbegin(), taken.ranges().front().first);
      }
      break;
    }
    default: {
      const std::size_t wanted = below(9);
      const std::size_t before = model.size();
      const UidSet taken = set.take_lowest(wanted);
      ASSERT_TRUE(is_normal(taken));
      ASSERT_EQ(taken.size(), std::min(wanted, before));
      for (const std::uint32_t uid : members(taken)) {
        ASSERT_EQ(*model.begin(), uid);
        model.erase(model.begin());
      }
      break;
    }
    }
    ASSERT_TRUE(is_normal(set));
    ASSERT_EQ(members(set), model);
    ASSERT_EQ(set.size(), model.size());
    ASSERT_EQ(set.contains(*Uid::from(range.first)), model.contains(range.first));
    ASSERT_EQ(set.max().has_value(), !model.empty());
    if (!model.empty()) {
      ASSERT_EQ(set.max()->value(), *model.rbegin());
    }
    ASSERT_THAT(UidSet::parse(set.to_string()), Optional(set));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, UidSetAgainstModel, ::testing::Range(1U, 6U));

} // namespace
} // namespace mailmoor
