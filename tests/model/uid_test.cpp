#include "model/uid.h"

#include <gtest/gtest.h>

#include <limits>
#include <type_traits>
#include <unordered_set>

namespace mailmoor {
namespace {

template<class A, class B>
concept Comparable = requires(const A& a, const B& b) { a == b; };
static_assert(!Comparable<Uid, UidValidity> && !Comparable<Uid, SeqNum>);
// from() is the only door: no zero slips in by a constructor.
static_assert(!std::is_constructible_v<Uid, std::uint32_t> && !std::is_default_constructible_v<Uid>);
static_assert(!std::is_constructible_v<UidValidity, std::uint32_t> && !std::is_default_constructible_v<UidValidity>);
static_assert(!std::is_constructible_v<SeqNum, std::uint32_t> && !std::is_default_constructible_v<SeqNum>);
static_assert(!std::is_constructible_v<ModSeq, std::uint64_t> && std::is_default_constructible_v<ModSeq>);

TEST(Uid, Zero_IsNoNumber) { // RFC 9051 §9: nz-number
  EXPECT_FALSE(Uid::from(0));
  EXPECT_FALSE(UidValidity::from(0));
  EXPECT_FALSE(SeqNum::from(0));
  EXPECT_EQ(Uid::from(1)->value(), 1U);
  EXPECT_EQ(UidValidity::from(std::numeric_limits<std::uint32_t>::max())->value(), 4'294'967'295U);
}

TEST(ModSeq, Has63BitsAndMayBeZero) { // RFC 7162 §3.1
  EXPECT_EQ(ModSeq::from(0)->value(), 0U);
  EXPECT_EQ(ModSeq::from((1ULL << 63) - 1)->value(), 9'223'372'036'854'775'807ULL);
  EXPECT_FALSE(ModSeq::from(1ULL << 63));
  EXPECT_FALSE(ModSeq::from(std::numeric_limits<std::uint64_t>::max()));
}

TEST(Uid, OrderAndHash_FollowTheValue) {
  EXPECT_LT(*Uid::from(1), *Uid::from(2));
  const std::unordered_set<Uid, std::hash<StrongInt<Uid, std::uint32_t>>> set = {*Uid::from(7), *Uid::from(7)};
  EXPECT_EQ(set.size(), 1U);
}

} // namespace
} // namespace mailmoor
