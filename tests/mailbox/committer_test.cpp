#include "mailbox/committer.h"

#include "maildir/delivery_fixture.h"
#include "support/world.h"

#include <gmock/gmock.h>
#include <string>
#include <vector>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

using maildir::ForgetfulFileOps;
using maildir::uids;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CommitterTest : public ::testing::Test {
 protected:
  [[nodiscard]] Committer::SharedFolder folder(const maildir::FolderPlace& place) {
    return std::make_shared<maildir::FolderDelivery>(maildir::open(disk, place).value());
  }
  // Writes these and gives them to the Committer; `told` gets "<name> <delivered>". The disk is no place for two
  // threads at once: not while the pool works, unless it is plugged.
  void commit(const Committer::SharedFolder& folder, const std::string& name, std::string_view numbers) {
    std::vector<maildir::StagedMessage> batch;
    uids(numbers).for_each([&](Uid number) {
      auto staged = maildir::stage(*folder, maildir::identity(number.value()), maildir::wire_body(number.value()));
      ASSERT_TRUE(staged);
      batch.push_back(*std::move(staged));
    });
    world.committer.commit(folder, std::move(batch), [this, name](maildir::CommitReport report) {
      told.push_back(concat(name, ' ', report.delivered.to_string(), report.error ? " failed" : ""));
    });
  }

  ForgetfulFileOps disk;
  testing::World world{&disk};
  std::vector<std::string> told;
};

TEST_F(CommitterTest, WhatWaitsTogether_SharesASync) {
  const auto in = folder(maildir::inbox());
  const auto out = folder(maildir::sent());
  EXPECT_TRUE(in->scan_blocking(maildir::validity()));
  EXPECT_TRUE(out->scan_blocking(maildir::validity()));
  std::size_t before = 0;
  {
    testing::Plug slow(world.files_pool);
    commit(in, "in", "1");
    world.loop.run_ready(); // under way alone
    commit(in, "in", "2:20");
    commit(out, "out", "1:20");
    commit(in, "in", "21:40");
    before = disk.syncs();
  }
  EXPECT_TRUE(world.until([this] { return told.size() == 4; }));
  EXPECT_THAT(told, ElementsAre("in 1", "in 2:20", "out 1:20", "in 21:40"));
  EXPECT_LE(disk.syncs() - before, 6U) << "1 file; 1 for three batches and the first name; 4 directories at the end";
}

TEST_F(CommitterTest, AFewMessages_WaitForCompany) {
  world.hurry.reset();
  const auto in = folder(maildir::inbox());
  EXPECT_TRUE(in->scan_blocking(maildir::validity()));
  commit(in, "few", "1:40");
  world.pass(40ms);
  EXPECT_EQ(disk.syncs(), 0U);
  commit(in, "many", "41:100");
  world.run_ready();
  EXPECT_EQ(disk.syncs(), 1U) << "a hundred wait no longer";
  EXPECT_THAT(told, IsEmpty()) << "their names do";
  world.pass(60ms);
  EXPECT_THAT(told, ElementsAre("few 1:40", "many 41:100"));
}

TEST_F(CommitterTest, WhoCanOnlyWait_WaitsLess) {
  world.hurry.reset();
  const auto in = folder(maildir::inbox());
  commit(in, "one", "1");
  world.run_ready();
  const Committer::Hurry hurry(world.committer);
  world.pass(5ms);
  world.pass(5ms);
  EXPECT_THAT(told, ElementsAre("one 1"));
}

TEST_F(CommitterTest, EmptyBatch_KeepsItsPlace) {
  const auto in = folder(maildir::inbox());
  {
    testing::Plug slow(world.files_pool);
    commit(in, "in", "1:3");
    world.committer.commit(in, {}, [this](maildir::CommitReport) { told.push_back("empty"); });
    commit(in, "in", "5");
  }
  EXPECT_TRUE(world.until([this] { return told.size() == 3; }));
  EXPECT_THAT(told, ElementsAre("in 1:3", "empty", "in 5"));
}

// The disks differ, as it were: no lane waits for another one.
TEST_F(CommitterTest, FoldersWithoutASyncPoint_ShareNothing) {
  disk.offer_sync_point(false);
  const auto in = folder(maildir::inbox());
  const auto out = folder(maildir::sent());
  EXPECT_NE(in->group(), out->group());
  {
    testing::Plug slow(world.files_pool);
    commit(in, "in", "1:12");
    commit(out, "out", "1:12");
  }
  EXPECT_TRUE(world.until([this] { return told.size() == 2; }));
  EXPECT_THAT(told, ::testing::UnorderedElementsAre("in 1:12", "out 1:12"));
}

TEST_F(CommitterTest, FailingDisk_IsToldToEachAndLeavesNothing) {
  const auto in = folder(maildir::inbox());
  const auto out = folder(maildir::sent());
  EXPECT_TRUE(in->scan_blocking(maildir::validity()));
  EXPECT_TRUE(out->scan_blocking(maildir::validity()));
  {
    testing::Plug slow(world.files_pool);
    commit(in, "in", "1:20");
    commit(out, "out", "1:20");
    disk.fail_at(1, "io_error");
  }
  EXPECT_TRUE(world.until([this] { return told.size() == 2; }));
  EXPECT_THAT(told.front(), "in  failed");
  EXPECT_THAT(disk.files("/mail/alice/tmp"), IsEmpty());
}

} // namespace
} // namespace mailmoor::mailbox
