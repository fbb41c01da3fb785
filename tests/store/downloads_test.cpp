#include "model/downloads.h"

#include "store/state_repository.h"
#include "store/test_files.h"

namespace mailmoor::store {
namespace {

class DownloadsMemory : public InDirectory {
 protected:
  [[nodiscard]] StateRepository open() {
    return StateRepository::open_blocking(path("state.db"), UnixTime()).value().repository;
  }
};

TEST_F(DownloadsMemory, WhatIsSaved_ComesBackAndIsReplacedAsAWhole) {
  const Downloads first{2.5, {{472'224, 1000}, {472'226, 5'000'000'000}}};
  {
    StateRepository state = open();
    EXPECT_EQ(state.load_mailbox_blocking("alice")->downloads, Downloads());
    ASSERT_TRUE(state.save_downloads_blocking("alice", first));
    ASSERT_TRUE(state.save_downloads_blocking("bob", {std::nullopt, {{472'224, 7}}}));
  }
  StateRepository state = open();
  EXPECT_EQ(state.load_mailbox_blocking("alice")->downloads, first);
  const Downloads second{std::nullopt, {{472'227, 1}}};
  ASSERT_TRUE(state.save_downloads_blocking("alice", second));
  EXPECT_EQ(state.load_mailbox_blocking("alice")->downloads, second);
  EXPECT_EQ(state.load_mailbox_blocking("bob")->downloads.received.size(), 1U);
}

TEST_F(DownloadsMemory, SavingTheMailbox_LeavesThemAlone) {
  StateRepository state = open();
  ASSERT_TRUE(state.save_downloads_blocking("alice", {0.1, {{1, 2}}}));
  MailboxRecord record;
  record.failures = 3;
  ASSERT_TRUE(state.save_mailbox_blocking("alice", record));
  EXPECT_EQ(state.load_mailbox_blocking("alice")->downloads, (Downloads{0.1, {{1, 2}}}));
  EXPECT_EQ(state.load_mailbox_blocking("alice")->record.failures, 3);
}

TEST_F(DownloadsMemory, ForgottenMailbox_HasNone) {
  StateRepository state = open();
  ASSERT_TRUE(state.save_downloads_blocking("alice", {0.1, {{1, 2}}}));
  ASSERT_TRUE(state.forget_mailbox_blocking("alice"));
  EXPECT_EQ(state.load_mailbox_blocking("alice")->downloads, Downloads());
}

} // namespace
} // namespace mailmoor::store
