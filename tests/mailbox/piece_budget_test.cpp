#include "mailbox/piece_budget.h"

#include <deque>
#include <gtest/gtest.h>

namespace mailmoor::mailbox {
namespace {

constexpr std::size_t kKib = 1024;

TEST(PieceBudget, FewFolders_HaveLargePieces) {
  PieceBudget budget;
  const PieceBudget::Share one(budget);
  EXPECT_EQ(256 * kKib, one.piece());
}

// Two pieces of each folder are in memory at most.
TEST(PieceBudget, ManyFolders_ShareFourMebibytes) {
  PieceBudget budget;
  std::deque<PieceBudget::Share> shares;
  for (std::size_t count = 1; count <= 256; ++count) {
    shares.emplace_back(budget);
    EXPECT_LE(2 * count * shares.front().piece(), 4096 * kKib);
  }
  shares.emplace_back(budget);
  EXPECT_EQ(8 * kKib, shares.front().piece()) << "less would be a trip to the pool for each message";
}

TEST(PieceBudget, FolderThatIsDone_GivesItsShareBack) {
  PieceBudget budget;
  const PieceBudget::Share stays(budget);
  {
    std::deque<PieceBudget::Share> others;
    for (int i = 0; i < 100; ++i)
      others.emplace_back(budget);
    EXPECT_LT(stays.piece(), 256 * kKib);
  }
  EXPECT_EQ(256 * kKib, stays.piece());
}

} // namespace
} // namespace mailmoor::mailbox
