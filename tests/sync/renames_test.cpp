#include "sync/renames.h"

#include "sync/sync_fixture.h"

#include <gmock/gmock.h>

namespace mailmoor::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Renames, ByStatus_WhatMayBeTheSameFolder) {
  const RecordedFolder before = recorded("1:9", state(14, 10, 9));
  EXPECT_TRUE(may_be_renamed(before, state(14, 10, 9)));
  EXPECT_TRUE(may_be_renamed(before, state(14, 12, 3))) << "new mail came, old mail went";
  EXPECT_FALSE(may_be_renamed(before, state(15, 10, 9)));
  EXPECT_FALSE(may_be_renamed(before, state(14, 9, 8))) << "a UID is not given twice";
  EXPECT_FALSE(may_be_renamed(before, state(14, 10, 0))) << "nothing to tell it by";
  EXPECT_FALSE(may_be_renamed(recorded("", state(14, 10, 0)), state(14, 10, 9)));
  EXPECT_FALSE(may_be_renamed(RecordedFolder(), state(14, 10, 9)));
  EXPECT_FALSE(may_be_renamed(recorded("1:3", state(14, 10, 3)), state(14, 5, 4))) << "UIDNEXT went back";
  FolderState unsaid = state(14, 10, 9);
  unsaid.uid_next.reset();
  EXPECT_TRUE(may_be_renamed(before, unsaid));
}

TEST(Renames, Sample_HasBothEndsAndIsSpread) {
  EXPECT_EQ(uids("1:5"), spread(uids("1:5"), 5));
  EXPECT_EQ(uids("1,5,9"), spread(uids("1:9"), 3));
  EXPECT_EQ(uids("3"), spread(uids("3"), 20));
  EXPECT_EQ(uids("7"), spread(uids("7:9"), 1));
  for (std::uint32_t size = 1; size < 200; ++size) {
    UidSet all;
    all.insert(UidRange{1, size});
    const UidSet sample = spread(all, 20);
    EXPECT_EQ(std::min(size, 20U), sample.size());
    EXPECT_TRUE(sample.contains(uid(1)) && sample.contains(uid(size)));
  }
}

TEST(Renames, MessagesTell_ThatItIsTheSameFolder) {
  const std::vector<SampledFile> sample = {
      {uid(1), {at(1), 500, 0}}, {uid(2), {at(2), 600, 0}}, {uid(3), {at(3), 700, 0}}};
  const MessageOnServer one{uid(1), at(1), 500, 0}, two{uid(2), at(2), 610, 0}, three{uid(3), at(3), 700, 0};
  EXPECT_TRUE(bears_out(sample, std::vector{one, two, three})) << "a size may be an estimate";
  EXPECT_TRUE(bears_out(sample, std::vector{one, three})) << "one was expunged";
  EXPECT_FALSE(bears_out(sample, std::vector{one})) << "most are missing";
  EXPECT_FALSE(bears_out(sample, {}));
  EXPECT_FALSE(bears_out({}, std::vector{one}));
  EXPECT_FALSE(bears_out(sample, std::vector{one, two, {uid(3), at(4), 700, 0}})) << "another date";
  EXPECT_FALSE(bears_out(sample, std::vector{one, two, {uid(3), at(3), 9000, 0}})) << "another size";
  EXPECT_FALSE(bears_out(sample, std::vector{one, two, {uid(3), std::nullopt, 700, 0}}));
  EXPECT_FALSE(bears_out(sample, std::vector{one, two, {uid(3), at(3), std::nullopt, 0}}));
}

TEST(Renames, OnlyOneToOne_IsCertain) {
  const Renames renames = settle_renames({{"A/b", "Z/b"}, {"A", "Z"}, {"C", "X"}, {"C", "Y"}, {"D", "W"}, {"E", "W"}});
  EXPECT_THAT(renames.certain, ElementsAre(Pair("A", "Z"), Pair("A/b", "Z/b"))) << "parents first";
  EXPECT_THAT(renames.ambiguous, ElementsAre(Pair("C", "X"), Pair("C", "Y"), Pair("D", "W"), Pair("E", "W")));
  EXPECT_THAT(settle_renames({}).certain, IsEmpty());
}

} // namespace
} // namespace mailmoor::sync
