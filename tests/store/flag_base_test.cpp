#include "store/flag_base.h"

#include "store/migrations.h"
#include "store/state_repository.h"
#include "store/test_files.h"
#include "util/concat.h"

#include <random>

namespace mailmoor::store {
namespace {

class FlagBase : public InDirectory {
 protected:
  void SetUp() override {
    InDirectory::SetUp();
    auto opened = open_migrated_blocking({.path = path("state.db"), .durability = Durability::kNormal},
                                         state_migrations(), nullptr);
    ASSERT_TRUE(opened);
    database_.emplace(*std::move(opened));
    ASSERT_TRUE(database_->run_blocking("INSERT INTO mailbox (mailbox_id, name) VALUES (1, 'm');"
                                        "INSERT INTO folder (folder_id, mailbox_id, name, delimiter)"
                                        " VALUES (1, 1, x'41', 47), (2, 1, x'42', 47); BEGIN"));
    neighbour_.set(UidRange{1, 1000}, FlagLetters::parse("S"));
    ASSERT_TRUE(set_flags_blocking(*database_, 2, neighbour_));
  }
  void TearDown() override {
    EXPECT_EQ(load_flags_blocking(*database_, 2).value(), neighbour_);
    database_.reset();
    InDirectory::TearDown();
  }
  // The rows as they are stored: "first:last=flags,…".
  [[nodiscard]] std::string rows() {
    auto select = database_->prepare_blocking("SELECT group_concat(first || ':' || last || '=' || flags) FROM (SELECT *"
                                              " FROM flag_base WHERE folder_id = 1 ORDER BY first)");
    return select->step_blocking() ? std::string(select->bytes(0)) : "failed";
  }

  std::optional<Database> database_;
  FlagMap neighbour_;
};

TEST_F(FlagBase, RandomEdits_EqualTheMapInMemoryRunByRun) {
  std::minstd_rand random(42); // fixed: a failure repeats
  FlagMap model;
  for (int i = 0; i < 500; ++i) {
    FlagMap batch;
    for (int n = static_cast<int>(random() % 4); n >= 0; --n) {
      const auto first = static_cast<std::uint32_t>(random() % 300 + 1);
      batch.set(UidRange{first, first + static_cast<std::uint32_t>(random() % 12)},
                *FlagLetters::from_bits(static_cast<std::int64_t>(random() % 3)));
    }
    if (i % 5 == 4) {
      model.erase(batch.uids());
      ASSERT_TRUE(erase_flags_blocking(*database_, 1, batch.uids()));
    } else {
      model.set(batch);
      ASSERT_TRUE(set_flags_blocking(*database_, 1, batch));
    }
    std::string expected;
    for (const FlagRun& run : model.runs())
      expected += concat(expected.empty() ? "" : ",", run.uids.first, ':', run.uids.last, '=', run.flags.bits());
    ASSERT_EQ(rows(), expected) << "edit " << i;
    ASSERT_EQ(load_flags_blocking(*database_, 1).value(), model);
  }
}

TEST_F(FlagBase, WholeRange_IsStoredAndSplit) {
  FlagMap map;
  map.set(UidRange{1, 0xFFFF'FFFF}, FlagLetters::parse("S"));
  ASSERT_TRUE(set_flags_blocking(*database_, 1, map));
  FlagMap one;
  one.set(*Uid::from(0xFFFF'FFFF), FlagLetters());
  ASSERT_TRUE(set_flags_blocking(*database_, 1, one));
  EXPECT_EQ(rows(), "1:4294967294=16,4294967295:4294967295=0");
}

TEST_F(FlagBase, RowThatIsNoRun_IsCorruption) {
  ASSERT_TRUE(database_->run_blocking("INSERT INTO flag_base VALUES (1, 5, 4, 0)"));
  EXPECT_FALSE(load_flags_blocking(*database_, 1));
  ASSERT_TRUE(
      database_->run_blocking("DELETE FROM flag_base WHERE folder_id = 1; INSERT INTO flag_base VALUES (1, 4, 4, 64)"));
  EXPECT_FALSE(load_flags_blocking(*database_, 1));
}

class FolderMemory : public InDirectory {
 protected:
  [[nodiscard]] StateRepository open() {
    return StateRepository::open_blocking(path("state.db"), from_now()).value().repository;
  }
  [[nodiscard]] static UnixTime from_now() { return UnixTime(std::chrono::seconds(1'700'000'000)); }
  [[nodiscard]] static UidSet uids(std::string_view text) { return *UidSet::parse(text); }
  const FolderName inbox_ = FolderName::inbox();
  const UidValidity validity_ = *UidValidity::from(14);
};

TEST_F(FolderMemory, HeldAndConfirmed_SurviveEachByItself) {
  {
    StateRepository state = open();
    ASSERT_TRUE(state.add_delivered_blocking("alice", inbox_, validity_, uids("1:100")));
    ASSERT_TRUE(state.save_held_blocking("alice", inbox_, uids("5:40"), std::nullopt));
    ASSERT_TRUE(state.save_held_blocking("alice", inbox_, std::nullopt, uids("2")));
  }
  StateRepository state = open();
  const auto folder = state.load_mailbox_blocking("alice")->folders.at(0).record;
  EXPECT_EQ(folder.held, uids("5:40"));
  EXPECT_EQ(folder.confirmed, uids("2"));
}

TEST_F(FolderMemory, RemovedMessages_LeaveKnownSetAndBase) {
  StateRepository state = open();
  ASSERT_TRUE(state.add_delivered_blocking("alice", inbox_, validity_, uids("1:9")));
  FlagMap base;
  base.set(UidRange{1, 9}, FlagLetters::parse("S"));
  ASSERT_TRUE(state.set_flags_blocking("alice", inbox_, base));
  ASSERT_TRUE(state.remove_delivered_blocking("alice", inbox_, uids("3:5")));
  EXPECT_EQ(state.load_mailbox_blocking("alice")->folders.at(0).record.known, uids("1:2,6:9"));
  EXPECT_EQ(state.load_flags_blocking("alice", inbox_)->uids(), uids("1:2,6:9"));
}

TEST_F(FolderMemory, AnotherUidValidity_ForgetsBaseHeldAndConfirmed) {
  StateRepository state = open();
  ASSERT_TRUE(state.add_delivered_blocking("alice", inbox_, validity_, uids("1:9")));
  FlagMap base;
  base.set(UidRange{1, 9}, FlagLetters::parse("S"));
  ASSERT_TRUE(state.set_flags_blocking("alice", inbox_, base));
  ASSERT_TRUE(state.save_held_blocking("alice", inbox_, uids("5:9"), uids("1")));
  FolderRecord anew{.name = inbox_,
                    .uid_validity = UidValidity::from(15),
                    .last_state = {},
                    .known = uids("1:2"),
                    .last_sync = std::nullopt};
  ASSERT_TRUE(state.save_folder_blocking("alice", anew));
  const auto folder = state.load_mailbox_blocking("alice")->folders.at(0).record;
  EXPECT_TRUE(folder.held.empty());
  EXPECT_TRUE(folder.confirmed.empty());
  EXPECT_TRUE(state.load_flags_blocking("alice", inbox_)->empty());
}

TEST_F(FolderMemory, OutcomeWithoutAFullListing_KeepsTheTimeOfTheLastOne) {
  StateRepository state = open();
  FolderOutcome outcome{FolderState{}, kCoversFlags, from_now(), from_now()};
  ASSERT_TRUE(state.save_outcome_blocking("alice", inbox_, outcome));
  outcome.listed_in_full.reset();
  outcome.covers = kCoversFlags | kCoversDeletions;
  ASSERT_TRUE(state.save_outcome_blocking("alice", inbox_, outcome));
  const auto folder = state.load_mailbox_blocking("alice")->folders.at(0).record;
  EXPECT_EQ(folder.listed_in_full, from_now());
  EXPECT_EQ(folder.covers, kCoversFlags | kCoversDeletions);
}

} // namespace
} // namespace mailmoor::store
