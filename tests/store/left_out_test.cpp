#include "model/left_out.h"

#include "store/state_repository.h"
#include "store/test_files.h"

namespace mailmoor::store {
namespace {

class LeftOutMemory : public InDirectory {
 protected:
  [[nodiscard]] StateRepository open() {
    return StateRepository::open_blocking(path("state.db"), at(0)).value().repository;
  }
  [[nodiscard]] static UnixTime at(std::int64_t seconds) { return UnixTime(std::chrono::seconds(seconds)); }
  [[nodiscard]] static UidSet uids(std::string_view text) { return *UidSet::parse(text); }
  [[nodiscard]] FolderRecord load(StateRepository& state) const {
    return state.load_mailbox_blocking("alice")->folders.at(0).record;
  }
  void complete_a_pass(StateRepository& state) const {
    ASSERT_TRUE(state.add_delivered_blocking("alice", inbox_, *UidValidity::from(14), uids("1:3")));
    ASSERT_TRUE(state.save_outcome_blocking("alice", inbox_, {{}, 0, at(4), at(5)}));
  }

  const FolderName inbox_ = FolderName::inbox();
  const LeftOut all_{
      uids("4:9,11"), at(1'700'000'000), {{*Uid::from(10), 200}, {*Uid::from(4'294'967'295), ~0ULL >> 1}}};
};

TEST_F(LeftOutMemory, WhatIsSaved_ComesBackAndIsReplacedAsAWhole) {
  {
    StateRepository state = open();
    complete_a_pass(state);
    ASSERT_TRUE(state.save_left_out_blocking("alice", inbox_, all_, /*reopen=*/false));
    EXPECT_EQ(load(state).last_sync, at(5));
  }
  StateRepository state = open();
  EXPECT_EQ(load(state).left_out, all_);
  EXPECT_EQ(load(state).known, uids("1:3"));
  const LeftOut less{{}, {}, {{*Uid::from(12), 5}}};
  ASSERT_TRUE(state.save_left_out_blocking("alice", inbox_, less, /*reopen=*/false));
  EXPECT_EQ(load(state).left_out, less);
}

TEST_F(LeftOutMemory, Reopened_NoPassCountsAsComplete) {
  StateRepository state = open();
  complete_a_pass(state);
  ASSERT_TRUE(state.save_left_out_blocking("alice", inbox_, {}, /*reopen=*/true));
  EXPECT_EQ(load(state).last_sync, std::nullopt);
  EXPECT_TRUE(load(state).left_out.empty());
}

TEST_F(LeftOutMemory, FolderSavedAnew_LeavesNothingOut) {
  StateRepository state = open();
  complete_a_pass(state);
  ASSERT_TRUE(state.save_left_out_blocking("alice", inbox_, all_, /*reopen=*/false));
  FolderRecord anew = load(state);
  anew.left_out = {};
  ASSERT_TRUE(state.save_folder_blocking("alice", anew));
  EXPECT_TRUE(load(state).left_out.empty());
}

} // namespace
} // namespace mailmoor::store
