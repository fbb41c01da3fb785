#include "mailbox/folder_record.h"
#include "support/world.h"

#include <gmock/gmock.h>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

[[nodiscard]] UidSet uid_set(std::string_view text) {
  return *UidSet::parse(text);
}
[[nodiscard]] UidValidity validity(std::uint32_t value) {
  return *UidValidity::from(value);
}

class RecordTest : public ::testing::Test {
 protected:
  RecordTest() : folder(FolderName::from_wire("Sent &- gone", '/')) {
    folder.place = {"/mail/alice", ".Sent & gone", maildir::Layout::kMaildirPlusPlus, "Sent &- gone"};
  }
  void note(const sync::FolderFacts& facts) {
    record(world.services, "alice", folder, facts);
    world.run_ready();
  }
  void begin(std::string_view known) {
    sync::FolderFacts facts;
    facts.start_over = validity(14);
    facts.known_added = uid_set(known);
    note(facts);
  }
  // As the next run of the daemon finds it.
  [[nodiscard]] Folder reloaded() {
    const auto mailbox = world.state.load_mailbox_blocking("alice");
    EXPECT_TRUE(mailbox);
    EXPECT_EQ(1U, mailbox->folders.size());
    return folder_from(mailbox->folders.at(0));
  }
  void expect_same() {
    const Folder there = reloaded();
    EXPECT_EQ(folder.name, there.name);
    EXPECT_EQ('/', there.name.delimiter());
    EXPECT_EQ(folder.recorded.validity, there.recorded.validity);
    EXPECT_EQ(folder.recorded.known, there.recorded.known);
    EXPECT_EQ(folder.recorded.retries, there.recorded.retries);
    EXPECT_EQ(folder.recorded.state, there.recorded.state);
    EXPECT_EQ(folder.recorded_directory, there.recorded_directory);
    EXPECT_FALSE(there.scanned);
    EXPECT_FALSE(there.chosen);
  }
  testing::World world;
  Folder folder;
};

TEST_F(RecordTest, FirstFacts_MakeTheFolder) {
  begin("1:5,9");
  expect_same();
  EXPECT_EQ(uid_set("1:5,9"), reloaded().recorded.known);
  EXPECT_EQ("/mail/alice/.Sent & gone", reloaded().recorded_directory);
}

TEST_F(RecordTest, Deliveries_AddUp) {
  begin("1");
  for (const std::string_view added : {"2:4", "8", "5:7"}) {
    sync::FolderFacts facts;
    facts.known_added = uid_set(added);
    note(facts);
  }
  expect_same();
  EXPECT_EQ(uid_set("1:8"), reloaded().recorded.known);
}

TEST_F(RecordTest, Retries_AreSetReplacedAndRemoved) {
  begin("1");
  sync::FolderFacts facts;
  facts.retries_set = {{*Uid::from(2), 1, world.now() + 10min, "nothing came"},
                       {*Uid::from(3), 2, world.now() + 1h, "NO"},
                       {*Uid::from(4), 5, world.now() + 24h * 7, "NIL"}};
  note(facts);
  expect_same();
  sync::FolderFacts later;
  later.retries_set = {{*Uid::from(3), 3, world.now() + 6h, "NO again"}};
  later.retries_removed = uid_set("2,4");
  note(later);
  expect_same();
  ASSERT_EQ(1U, reloaded().recorded.retries.size());
  EXPECT_EQ(3U, reloaded().recorded.retries[0].strikes);
}

TEST_F(RecordTest, DeliveredAtLast_LeavesNoRetry) {
  begin("1");
  sync::FolderFacts struck;
  struck.retries_set = {{*Uid::from(2), 1, world.now() + 10min, "nothing came"}};
  note(struck);
  sync::FolderFacts delivered;
  delivered.known_added = uid_set("2");
  delivered.retries_removed = uid_set("2");
  note(delivered);
  expect_same();
  EXPECT_THAT(reloaded().recorded.retries, IsEmpty());
}

TEST_F(RecordTest, StateOfACompletePass_IsWhatTheNextRunComparesWith) {
  begin("1:5");
  EXPECT_FALSE(reloaded().recorded.state) << "no pass was carried to its end";
  EXPECT_FALSE(reloaded().last_sync);
  sync::FolderFacts facts;
  facts.state = FolderState{validity(14), Uid::from(6), 5, ModSeq::from(77)};
  note(facts);
  expect_same();
  EXPECT_EQ(Uid::from(6), reloaded().recorded.state->uid_next);
  EXPECT_EQ(world.now(), reloaded().last_sync);
}

TEST_F(RecordTest, NewUidValidity_ForgetsTheOldFacts) {
  begin("1:100");
  sync::FolderFacts facts;
  facts.retries_set = {{*Uid::from(101), 1, world.now() + 10min, "nothing came"}};
  facts.state = FolderState{validity(14), Uid::from(102), 101, {}};
  note(facts);
  sync::FolderFacts anew;
  anew.start_over = validity(15);
  anew.known_added = uid_set("7");
  note(anew);
  expect_same();
  EXPECT_EQ(validity(15), reloaded().recorded.validity);
  EXPECT_EQ(uid_set("7"), reloaded().recorded.known);
  EXPECT_THAT(reloaded().recorded.retries, IsEmpty());
  EXPECT_FALSE(reloaded().recorded.state);
}

TEST_F(RecordTest, NoFacts_WriteNothing) {
  note(sync::FolderFacts());
  EXPECT_THAT(world.state.load_mailbox_blocking("alice")->folders, IsEmpty());
}

TEST_F(RecordTest, FactsOfAFolderThatIsGone_OutliveIt) {
  {
    Folder passing(FolderName::inbox());
    passing.place = {"/mail/alice", "", maildir::Layout::kMaildirPlusPlus, "INBOX"};
    sync::FolderFacts facts;
    facts.start_over = validity(14);
    facts.known_added = uid_set("1");
    const testing::Plug slow(world.store_thread);
    record(world.services, "alice", passing, facts);
  }
  world.run_ready();
  EXPECT_EQ(uid_set("1"), reloaded().recorded.known);
  EXPECT_EQ("/mail/alice", reloaded().recorded_directory);
}

} // namespace
} // namespace mailmoor::mailbox
