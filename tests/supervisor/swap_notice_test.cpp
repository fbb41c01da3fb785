#include "supervisor/swap_notice.h"

#include <gmock/gmock.h>

namespace mailmoor::supervisor {
namespace {

constexpr std::size_t kLimit = 8UL * 1024 * 1024;

TEST(SwapNotice, AllLocked_SaysNothing) {
  SwapNotice notice;
  EXPECT_EQ(notice.look({.locked = 65536, .not_locked = 0}, kLimit), std::nullopt);
  EXPECT_EQ(notice.look({.locked = 65536, .not_locked = 0}, kLimit), std::nullopt);
}

TEST(SwapNotice, NumberStillGrows_WaitsUntilItStands) {
  SwapNotice notice;
  EXPECT_EQ(notice.look({.locked = kLimit, .not_locked = 65536}, kLimit), std::nullopt);
  EXPECT_EQ(notice.look({.locked = kLimit, .not_locked = 131072}, kLimit), std::nullopt);
  const auto text = notice.look({.locked = kLimit, .not_locked = 131072}, kLimit);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, ::testing::HasSubstr("131072 bytes"));
  EXPECT_THAT(*text, ::testing::HasSubstr("LimitMEMLOCK=32M")); // more than twice 8.125 MiB
}

TEST(SwapNotice, Said_IsNotSaidAgain) {
  SwapNotice notice;
  const secret_memory::Usage usage{.locked = 0, .not_locked = 65536};
  EXPECT_EQ(notice.look(usage, 0), std::nullopt);
  EXPECT_NE(notice.look(usage, 0), std::nullopt);
  EXPECT_EQ(notice.look(usage, 0), std::nullopt);
  EXPECT_EQ(notice.look({.locked = 0, .not_locked = 131072}, 0), std::nullopt);
  EXPECT_EQ(notice.look({.locked = 0, .not_locked = 131072}, 0), std::nullopt);
}

} // namespace
} // namespace mailmoor::supervisor
