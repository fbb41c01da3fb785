#include "maildir/folder_move.h"

#include "maildir/delivery_fixture.h"

#include <gmock/gmock.h>

namespace mailmoor::maildir {
namespace {

[[nodiscard]] FolderPlace place(std::string directory, Layout layout = Layout::kMaildirPlusPlus,
                                std::string name = "Name") {
  return {"/mail/alice", std::move(directory), layout, std::move(name)};
}

void fill(ForgetfulFileOps& disk, const FolderPlace& where) {
  auto folder = open(disk, where);
  ASSERT_TRUE(folder);
  ASSERT_FALSE(deliver(*folder, uids("1:3")).error);
}

[[nodiscard]] UidSet present(ForgetfulFileOps& disk, const FolderPlace& where) {
  return present_blocking(disk, where, validity(), uids("1:9")).value();
}

TEST(FolderMove, Directory_GetsTheNewNameWithAllThatIsInIt) {
  ForgetfulFileOps disk;
  fill(disk, place(".Old"));
  EXPECT_EQ(FolderMove::kDone, move_folder_blocking(disk, place(".Old"), place(".New")).value());
  EXPECT_EQ(uids("1:3"), present(disk, place(".New")));
  EXPECT_EQ(UidSet(), present(disk, place(".Old")));
  disk.cut_power(7);
  EXPECT_EQ(uids("1:3"), present(disk, place(".New"))) << "durable";
  EXPECT_FALSE(disk.exists("/mail/alice/.Old"));
  EXPECT_EQ(FolderMove::kDone, move_folder_blocking(disk, place(".Old"), place(".New")).value()) << "again";
}

TEST(FolderMove, NestedDirectories_GoAlongAndMissingParentsAreMade) {
  ForgetfulFileOps disk;
  fill(disk, place("A", Layout::kFs));
  fill(disk, place("A/b", Layout::kFs));
  EXPECT_EQ(FolderMove::kDone,
            move_folder_blocking(disk, place("A", Layout::kFs), place("X/Y/Z", Layout::kFs)).value());
  EXPECT_EQ(uids("1:3"), present(disk, place("X/Y/Z", Layout::kFs)));
  EXPECT_EQ(uids("1:3"), present(disk, place("X/Y/Z/b", Layout::kFs)));
  EXPECT_EQ(FolderMove::kDone,
            move_folder_blocking(disk, place("A/b", Layout::kFs), place("X/Y/Z/b", Layout::kFs)).value())
      << "it went along with its parent";
}

TEST(FolderMove, DirectoryInTheWay_ChangesNothing) {
  ForgetfulFileOps disk;
  fill(disk, place(".Old"));
  ASSERT_TRUE(open(disk, place(".New")));
  EXPECT_EQ(FolderMove::kInTheWay, move_folder_blocking(disk, place(".Old"), place(".New")).value());
  EXPECT_EQ(uids("1:3"), present(disk, place(".Old")));
}

TEST(FolderMove, ShortenedName_IsSpelledOutUnderTheNewOne) {
  ForgetfulFileOps disk;
  const FolderPlace marked = place(".long%~0123456789ABCDEF", Layout::kMaildirPlusPlus, "the old name");
  const FolderPlace other = place(".long%~FEDCBA9876543210", Layout::kMaildirPlusPlus, "the new name");
  fill(disk, marked);
  ASSERT_TRUE(move_folder_blocking(disk, marked, other));
  EXPECT_EQ("the new name\n", disk.files("/mail/alice/.long%~FEDCBA9876543210").at(".mailmoor-name"));
  ASSERT_TRUE(move_folder_blocking(disk, other, place(".Short")));
  EXPECT_FALSE(disk.exists("/mail/alice/.Short/.mailmoor-name"));
  EXPECT_EQ(uids("1:3"), present(disk, place(".Short")));
}

TEST(FolderMove, KilledAtEachStep_IsDoneByTheNextRun) {
  const FolderPlace from = place("A", Layout::kFs);
  const FolderPlace to = place("X/long%~0123456789ABCDEF", Layout::kFs, "the new name");
  for (std::size_t step = 1; step <= 20; ++step) {
    ForgetfulFileOps disk;
    fill(disk, from);
    disk.crash_at(step);
    const auto first = move_folder_blocking(disk, from, to);
    disk.kill();
    if (first) {
      EXPECT_EQ(FolderMove::kDone, *first);
    }
    EXPECT_EQ(FolderMove::kDone, move_folder_blocking(disk, from, to).value()) << step;
    EXPECT_EQ(uids("1:3"), present(disk, to)) << step;
    EXPECT_FALSE(disk.exists("/mail/alice/A")) << step;
    EXPECT_EQ("the new name\n", disk.files("/mail/alice/X/long%~0123456789ABCDEF").at(".mailmoor-name")) << step;
  }
}

TEST(FolderMove, Messages_AreReadByTheirUidsCopiesLeftOut) {
  ForgetfulFileOps disk;
  fill(disk, place(".Old"));
  disk.put("/mail/alice/.Old/cur/1700000001.V14U1.copy,S=1:2,", "x");
  disk.put("/mail/alice/.Old/cur/1700000001.V15U1.host,S=1:2,", "of another UIDVALIDITY");
  const auto read = read_messages_blocking(disk, place(".Old"), validity(), uids("1,3")).value();
  ASSERT_EQ(2U, read.size());
  EXPECT_EQ(uid(3), read[1].uid);
  EXPECT_TRUE(read[1].is_read);
  EXPECT_EQ(wire_body(3).size(), read[1].wire_size);
  EXPECT_EQ(UidSet(), present(disk, place(".None")));
}

} // namespace
} // namespace mailmoor::maildir
