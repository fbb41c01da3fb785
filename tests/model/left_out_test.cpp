#include "model/left_out.h"

#include <gtest/gtest.h>

namespace mailmoor {
namespace {

[[nodiscard]] UidSet uids(std::string_view text) {
  return *UidSet::parse(text);
}
[[nodiscard]] UnixTime at(std::int64_t seconds) {
  return UnixTime(std::chrono::seconds(seconds));
}
[[nodiscard]] LargeMessage large(std::uint32_t uid, std::uint64_t size) {
  return {*Uid::from(uid), size};
}

TEST(LeftOut, WhatIsSaidLater_TakesThePlaceOfWhatWasSaidBefore) {
  LeftOut all{uids("1:3"), at(100), {large(5, 50), large(9, 90)}};
  all.add({uids("5,7"), at(200), {large(2, 20), large(8, 80)}});
  EXPECT_EQ(all, (LeftOut{uids("1,3,5,7"), at(200), {large(2, 20), large(8, 80), large(9, 90)}}));
  all.add({uids("4"), at(150), {}});
  EXPECT_EQ(all.earliest, at(200)) << "still all of them came before it";
  EXPECT_EQ(all.uids(), uids("1:5,7:9"));
}

TEST(LeftOut, Removed_LeavesNoDateOfWhatIsNotThere) {
  LeftOut all{uids("1:3"), at(100), {large(5, 50)}};
  all.remove(uids("1:4"));
  EXPECT_EQ(all, (LeftOut{{}, {}, {large(5, 50)}}));
  all.remove(uids("5"));
  EXPECT_TRUE(all.empty());
}

} // namespace
} // namespace mailmoor
