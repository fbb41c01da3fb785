// Several folders made durable together, stopped at every single step.
#include "maildir/delivery_fixture.h"
#include "maildir/group_commit.h"

#include <gmock/gmock.h>

namespace mailmoor::maildir {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

[[nodiscard]] std::vector<StagedMessage> staged(FolderDelivery& folder, std::string_view numbers) {
  std::vector<StagedMessage> batch;
  uids(numbers).for_each([&](Uid number) {
    auto message = stage(folder, identity(number.value()), wire_body(number.value()));
    if (message) batch.push_back(*std::move(message));
  });
  return batch;
}

class GroupCommitTest : public ::testing::Test {
 protected:
  void SetUp() override { open_folders("r1"); }
  void open_folders(const std::string& run) {
    in = std::make_unique<FolderDelivery>(open(disk, inbox(), run).value());
    out = std::make_unique<FolderDelivery>(open(disk, sent(), run).value());
  }
  [[nodiscard]] std::vector<CommitReport> advance(std::string_view to_inbox, std::string_view to_sent) {
    std::vector<FolderBatch> group;
    group.push_back({in.get(), staged(*in, to_inbox)});
    group.push_back({out.get(), staged(*out, to_sent)});
    return commit.advance_blocking(std::move(group));
  }
  [[nodiscard]] std::size_t syncs_of_advance(std::string_view numbers) {
    const std::size_t before = disk.syncs();
    static_cast<void>(advance(numbers, numbers));
    return disk.syncs() - before;
  }
  // Looks what is there, as each folder does before its first commit.
  void scan() {
    for (FolderDelivery* folder : {in.get(), out.get()})
      EXPECT_TRUE(folder->scan_blocking(validity()));
  }

  ForgetfulFileOps disk;
  std::unique_ptr<FolderDelivery> in, out;
  GroupCommit commit{disk};
};

TEST_F(GroupCommitTest, Groups_AreReportedOneLater) {
  EXPECT_THAT(advance("1:20", "1:3"), IsEmpty());
  auto first = advance("21:40", "4");
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_EQ(first[0].delivered, uids("1:20"));
  EXPECT_EQ(first[1].delivered, uids("1:3"));
  auto second = commit.settle_blocking();
  ASSERT_THAT(second, SizeIs(2));
  EXPECT_EQ(second[0].delivered, uids("21:40"));
  EXPECT_EQ(second[1].delivered, uids("4"));
  EXPECT_THAT(commit.settle_blocking(), IsEmpty());
}

TEST_F(GroupCommitTest, LargeGroup_CostsOneSync) {
  scan();
  EXPECT_EQ(syncs_of_advance("1:20"), 1U);
  EXPECT_EQ(syncs_of_advance("21:40"), 1U) << "the names of the first as well";
}

TEST_F(GroupCommitTest, WhatIsThere_CountsAsDelivered) {
  static_cast<void>(advance("1:20", "1"));
  static_cast<void>(commit.settle_blocking());
  static_cast<void>(advance("5:25", "1"));
  const auto reports = commit.settle_blocking();
  EXPECT_EQ(reports[0].delivered, uids("5:25"));
  EXPECT_EQ(reports[1].delivered, uids("1"));
  EXPECT_THAT(disk.files("/mail/alice/.Sent/new"), SizeIs(1));
}

TEST_F(GroupCommitTest, FailedSync_FailsWhatWasWrittenBeforeIt) {
  scan();
  auto early = staged(*out, "1:12");
  std::vector<FolderBatch> group;
  group.push_back({in.get(), staged(*in, "1:12")});
  disk.fail_at(1, "io_error");
  static_cast<void>(commit.advance_blocking(std::move(group)));
  EXPECT_TRUE(commit.settle_blocking().front().error);

  std::vector<FolderBatch> next; // the kernel has told its error, and this sync succeeds
  next.push_back({out.get(), std::move(early)});
  next.push_back({in.get(), staged(*in, "20:32")});
  static_cast<void>(commit.advance_blocking(std::move(next)));
  const auto reports = commit.settle_blocking();
  ASSERT_THAT(reports, SizeIs(2));
  ASSERT_TRUE(reports[0].error);
  EXPECT_EQ(reports[0].error->code, "io_error");
  EXPECT_TRUE(reports[0].delivered.empty());
  EXPECT_EQ(reports[1].delivered, uids("20:32")) << "begun after the failure";
  EXPECT_THAT(disk.files("/mail/alice/.Sent/tmp"), IsEmpty());
}

TEST_F(GroupCommitTest, SettledGroup_HoldsNoFileSystem) {
  const auto holders = [this] { return disk.open_sync_point_blocking("/").value().use_count(); };
  const auto before = holders();
  static_cast<void>(advance("1:20", "1:20"));
  EXPECT_GT(holders(), before);
  static_cast<void>(commit.settle_blocking());
  EXPECT_EQ(holders(), before);
}

TEST_F(GroupCommitTest, ClosedFolder_GetsNothingAndItsNeighbourAll) {
  out->close();
  static_cast<void>(advance("1:3", "1:3"));
  const auto reports = commit.settle_blocking();
  EXPECT_EQ(reports[0].delivered, uids("1:3"));
  ASSERT_TRUE(reports[1].error);
  EXPECT_EQ(reports[1].error->code, "closed");
  EXPECT_THAT(disk.files("/mail/alice/.Sent/tmp"), IsEmpty());
}

// What is told to be delivered is there after a power cut at any moment, whole and once.
TEST(GroupCrash, PowerCutAtEachStep_LosesNothingThatWasTold) {
  constexpr std::pair<std::string_view, std::string_view> kGroups[] = {
      {"1:6", "1:6"}, {"7:9", "7"}, {"10:20", "8:20"}, {"21", "21:22"}};
  for (const bool has_sync_point : {true, false})
    for (std::size_t step = 1; step < 2000; ++step) {
      SCOPED_TRACE(concat("step ", step));
      ForgetfulFileOps disk;
      disk.offer_sync_point(has_sync_point);
      auto in = open(disk, inbox()).value();
      auto out = open(disk, sent()).value();
      disk.crash_at(step);
      std::vector<UidSet> told(2);
      const auto note = [&told](const std::vector<CommitReport>& reports) {
        for (std::size_t i = 0; i < reports.size(); ++i)
          told[i % 2].insert(reports[i].delivered);
      };
      GroupCommit commit(disk);
      for (const auto& [to_inbox, to_sent] : kGroups) {
        std::vector<FolderBatch> group;
        group.push_back({&in, staged(in, to_inbox)});
        group.push_back({&out, staged(out, to_sent)});
        note(commit.advance_blocking(std::move(group)));
      }
      note(commit.settle_blocking());
      const bool finished = !disk.is_crashed();
      if (finished) {
        EXPECT_EQ(told[0], uids("1:21"));
        EXPECT_EQ(told[1], uids("1:22"));
      }
      disk.cut_power(static_cast<unsigned>(step));
      for (const bool is_sent : {false, true}) {
        auto again = open(disk, is_sent ? sent() : inbox(), "r2").value();
        const auto scan = again.scan_blocking(validity());
        ASSERT_TRUE(scan);
        EXPECT_TRUE(told[is_sent ? 1 : 0].minus(scan->present).empty());
        for (const char* sub : {"/new", "/cur"})
          for (const auto& [name, bytes] : disk.files(again.directory() + sub))
            EXPECT_EQ(bytes, disk_body(parse_file_name(name)->uid.value())) << name;
      }
      if (HasFailure()) return;
      if (finished) break;
      ASSERT_LT(step, 1999U);
    }
}

[[nodiscard]] std::vector<FolderPlace> many_places(Layout layout) {
  const bool nested = layout == Layout::kFs;
  return {{"/mail/alice", "", layout, "INBOX"},
          {"/mail/alice", nested ? "Lists" : ".Lists", layout, "Lists"},
          {"/mail/alice", nested ? "Lists/dev" : ".Lists.dev", layout, "Lists/dev"},
          {"/mail/alice", nested ? "Sent" : ".Sent", layout, "Sent"}};
}

TEST(NewFolders, CostNoSyncOfTheirOwn) {
  ForgetfulFileOps disk;
  auto places = many_places(Layout::kMaildirPlusPlus);
  std::vector<FolderDelivery> folders;
  std::vector<FolderBatch> group;
  for (const FolderPlace& place : places)
    folders.push_back(open(disk, place).value());
  for (FolderDelivery& folder : folders)
    group.push_back({&folder, staged(folder, "1")});
  EXPECT_EQ(disk.syncs(), 0U);
  EXPECT_TRUE(disk.exists("/mail/alice/.Lists.dev/maildirfolder"));
  GroupCommit commit(disk);
  static_cast<void>(commit.advance_blocking(std::move(group)));
  EXPECT_EQ(disk.syncs(), 1U) << "of the file system, though there are few messages: their directories are new";
  static_cast<void>(commit.settle_blocking());
  for (const FolderDelivery& folder : folders)
    EXPECT_TRUE(folder.is_durable());
}

// Whatever of the directories a killed run has left, and whatever the power cut took of it: what is delivered stays.
TEST(NewFolders, StoppedAtEachStep_LoseNothingDeliveredAfterwards) {
  for (const Layout layout : {Layout::kMaildirPlusPlus, Layout::kFs})
    for (std::size_t step = 1; step < 800; ++step) {
      SCOPED_TRACE(concat("step ", step));
      ForgetfulFileOps disk;
      disk.offer_sync_point(step % 4 < 2);
      disk.crash_at(step / 4 + 1);
      for (const FolderPlace& place : many_places(layout))
        static_cast<void>(open(disk, place));
      const bool finished = !disk.is_crashed();
      step % 2 == 0 ? disk.kill() : disk.cut_power(static_cast<unsigned>(step));
      for (const FolderPlace& place : many_places(layout)) {
        auto folder = open(disk, place, "r2");
        ASSERT_TRUE(folder) << folder.error().what;
        EXPECT_EQ(deliver(*folder, uids("1:3")).delivered, uids("1:3"));
      }
      disk.cut_power(static_cast<unsigned>(step) + 7);
      for (const FolderPlace& place : many_places(layout)) {
        auto folder = open(disk, place, "r3");
        ASSERT_TRUE(folder);
        EXPECT_EQ(folder->scan_blocking(validity())->present, uids("1:3")) << place.folder_directory;
      }
      if ((finished && step % 4 == 3) || HasFailure()) break;
    }
}

// A user removes a folder while the daemon runs, which has called it durable before.
TEST(NewFolders, RemovedAndMadeAnew_AreNotDurable) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    ForgetfulFileOps disk;
    auto folder = open(disk, sent()).value();
    EXPECT_EQ(deliver(folder, uids("1")).delivered, uids("1"));
    ASSERT_TRUE(disk.remove_tree_blocking("/mail/alice/.Sent"));
    auto again = open(disk, sent()).value();
    again.assume_present(validity(), uids("1"));
    again.assume_durable();
    EXPECT_FALSE(again.is_durable());
    EXPECT_EQ(deliver(again, uids("3")).delivered, uids("3"));
    disk.cut_power(seed);
    EXPECT_THAT(disk.files("/mail/alice/.Sent/new"), SizeIs(1)) << seed;
    auto known = open(disk, sent(), "r2").value();
    known.assume_durable();
    EXPECT_TRUE(known.is_durable());
  }
}

// A run was killed after it had renamed, in directories that it had made itself.
TEST(NewFolders, WhatAScanFinds_IsDurable) {
  for (const bool offered : {true, false}) {
    ForgetfulFileOps disk;
    disk.offer_sync_point(offered);
    ASSERT_TRUE(open(disk, sent()));
    for (const std::uint32_t number : {1U, 2U, 3U})
      disk.put(concat("/mail/alice/.Sent/new/", make_file_name(identity(number), "host", 3, "", true)), "abc");
    disk.kill();
    auto next = open(disk, sent(), "r2").value();
    EXPECT_FALSE(next.is_durable());
    EXPECT_EQ(next.scan_blocking(validity())->present, uids("1:3"));
    EXPECT_TRUE(next.is_durable());
    disk.cut_power(3);
    EXPECT_THAT(disk.files("/mail/alice/.Sent/new"), SizeIs(3));
  }
}

} // namespace
} // namespace mailmoor::maildir
