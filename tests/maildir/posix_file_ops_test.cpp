#include "maildir/posix_file_ops.h"

#include "maildir/delivery_fixture.h"
#include "util/scope_exit.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor::maildir {
namespace {

class PosixFileOpsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mailmoor-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { ASSERT_EQ(std::system(("rm -rf '" + root_ + "'").c_str()), 0); }

  [[nodiscard]] std::string path(std::string_view name) const { return concat(root_, '/', name); }
  [[nodiscard]] static std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }
  [[nodiscard]] static unsigned mode_of(const std::string& path) {
    struct stat about{};
    EXPECT_EQ(::stat(path.c_str(), &about), 0) << path;
    return about.st_mode & 07777U;
  }

  PosixFileOps ops_;
  std::string root_;
};

TEST_F(PosixFileOpsTest, FilesAndDirectories_HaveTheirModeWhateverTheUmask) {
  for (const mode_t mask : {0U, 0777U, 0277U}) {
    const mode_t before = ::umask(mask);
    const ScopeExit restore([before] { ::umask(before); });
    const std::string directory = path(concat("d", mask));
    EXPECT_EQ(ops_.make_directory_blocking(directory), true);
    ASSERT_TRUE(ops_.create_exclusive_blocking(directory + "/f"));
    EXPECT_EQ(mode_of(directory), 0700U);
    EXPECT_EQ(mode_of(directory + "/f"), 0600U);
  }
}

TEST_F(PosixFileOpsTest, ReadFile_GivesItsBytesInPieces) {
  const std::string bytes(200'000, 'x');
  std::ofstream(path("f"), std::ios::binary) << bytes;
  std::string seen;
  EXPECT_TRUE(ops_.read_blocking(path("f"), [&](std::string_view piece) {
    EXPECT_LE(piece.size(), 65536U);
    seen += piece;
  }));
  EXPECT_EQ(seen, bytes);
  const auto nothing = [](std::string_view) { ADD_FAILURE(); };
  std::ofstream(path("empty")) << "";
  EXPECT_TRUE(ops_.read_blocking(path("empty"), nothing));
  EXPECT_EQ(ops_.read_blocking(path("none"), nothing).error().code, "not_found");
}

TEST_F(PosixFileOpsTest, WhatIsNoFile_IsNotRead) {
  std::ofstream(path("secret")) << "x";
  ASSERT_EQ(::symlink(path("secret").c_str(), path("link").c_str()), 0);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  ASSERT_TRUE(ops_.make_directory_blocking(path("directory")));
  for (const char* name : {"link", "pipe", "directory"})
    EXPECT_EQ(ops_.read_blocking(path(name), [](std::string_view) { ADD_FAILURE(); }).error().code, "file_error")
        << name;
}

TEST_F(PosixFileOpsTest, RemovedTree_TakesNothingThatALinkPointsTo) {
  for (const char* name : {"kept", "tree", "tree/.Sent", "tree/deep"})
    ASSERT_TRUE(ops_.make_directory_blocking(path(name)));
  for (const char* name : {"kept/mail", "tree/mail", "tree/.Sent/mail", "tree/deep/mail"})
    ASSERT_TRUE(ops_.create_exclusive_blocking(path(name)));
  ASSERT_EQ(::symlink(path("kept").c_str(), path("tree/deep/link").c_str()), 0);
  ASSERT_TRUE(ops_.remove_tree_blocking(path("tree")));
  EXPECT_NE(::access(path("tree").c_str(), F_OK), 0);
  EXPECT_EQ(::access(path("kept/mail").c_str(), F_OK), 0);
  EXPECT_TRUE(ops_.remove_tree_blocking(path("tree"))) << "there is none any more";

  ASSERT_EQ(::symlink(path("kept").c_str(), path("link").c_str()), 0);
  EXPECT_FALSE(ops_.remove_tree_blocking(path("link"))) << "not even the path itself is followed";
  EXPECT_EQ(::access(path("kept/mail").c_str(), F_OK), 0);
}

TEST_F(PosixFileOpsTest, SecondName_GoesOnlyWhenItIsOneFile) {
  ASSERT_TRUE(ops_.create_exclusive_blocking(path("one")));
  ASSERT_TRUE(ops_.create_exclusive_blocking(path("other")));
  ASSERT_EQ(::link(path("one").c_str(), path("again").c_str()), 0);
  EXPECT_TRUE(ops_.drop_second_name_blocking(path("one"), path("other")));
  EXPECT_EQ(::access(path("one").c_str(), F_OK), 0);
  EXPECT_TRUE(ops_.drop_second_name_blocking(path("again"), path("one")));
  EXPECT_NE(::access(path("again").c_str(), F_OK), 0);
  EXPECT_EQ(::access(path("one").c_str(), F_OK), 0);
  ASSERT_EQ(::symlink(root_.c_str(), path("here").c_str()), 0);
  EXPECT_TRUE(ops_.drop_second_name_blocking(path("one"), path("here/one")));
  EXPECT_EQ(::access(path("one").c_str(), F_OK), 0) << "two paths, one name";
  // One of several names of the file, too.
  ASSERT_EQ(::link(path("one").c_str(), path("elsewhere").c_str()), 0);
  EXPECT_TRUE(ops_.drop_second_name_blocking(path("one"), path("here/one")));
  EXPECT_EQ(::access(path("one").c_str(), F_OK), 0) << "two paths, one name";
}

TEST_F(PosixFileOpsTest, Link_IsTheSameFileAndReplacesNothing) {
  ASSERT_TRUE((*ops_.create_exclusive_blocking(path("one")))->write_blocking("bytes"));
  EXPECT_EQ(ops_.link_blocking(path("one"), path("two")), true);
  EXPECT_EQ(bytes_of(path("two")), "bytes");
  EXPECT_EQ((*ops_.stat_blocking(path("two")))->size, 5U);
  struct stat one{};
  struct stat two{};
  ASSERT_EQ(::stat(path("one").c_str(), &one), 0);
  ASSERT_EQ(::stat(path("two").c_str(), &two), 0);
  EXPECT_EQ(one.st_ino, two.st_ino);
  EXPECT_EQ(mode_of(path("two")), 0600U);
  std::ofstream(path("taken")) << "taken";
  EXPECT_EQ(ops_.link_blocking(path("one"), path("taken")).error().code, "exists");
  EXPECT_EQ(bytes_of(path("taken")), "taken");
  EXPECT_EQ(ops_.link_blocking(path("absent"), path("three")).error().code, "not_found");
}

TEST_F(PosixFileOpsTest, WhatCannotBeLinked_IsNoError) {
  std::ofstream(path("secret")) << "secret";
  ASSERT_EQ(::symlink(path("secret").c_str(), path("link").c_str()), 0);
  ASSERT_EQ(::mkdir(path("directory").c_str(), 0700), 0);
  EXPECT_EQ(ops_.link_blocking(path("link"), path("a")), false) << "not even the link itself";
  EXPECT_EQ(ops_.link_blocking(path("directory"), path("b")), false);
  EXPECT_EQ(ops_.link_blocking("/proc/self/status", path("c")), false) << "another file system";
  for (const char* name : {"a", "b", "c"})
    EXPECT_NE(::access(path(name).c_str(), F_OK), 0) << name;
}

TEST_F(PosixFileOpsTest, CreateExclusive_NeverOpensWhatIsThere) {
  ASSERT_EQ(::symlink(path("target").c_str(), path("link").c_str()), 0);
  ASSERT_TRUE(ops_.create_exclusive_blocking(path("file")));
  for (const char* name : {"link", "file"}) {
    const auto file = ops_.create_exclusive_blocking(path(name));
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, "exists");
  }
  EXPECT_EQ(::access(path("target").c_str(), F_OK), -1);
}

TEST_F(PosixFileOpsTest, WrittenFile_HasItsBytesAndTime) {
  {
    auto file = ops_.create_exclusive_blocking(path("f"));
    ASSERT_TRUE(file);
    EXPECT_TRUE((*file)->write_blocking("one "));
    EXPECT_TRUE((*file)->write_blocking(std::string_view("two\0", 4)));
    EXPECT_TRUE((*file)->set_mtime_blocking(at(-86'400)));
  }
  EXPECT_TRUE(ops_.sync_file_blocking(path("f")));
  EXPECT_TRUE(ops_.sync_directory_blocking(root_));
  EXPECT_EQ(bytes_of(path("f")), std::string("one two\0", 8));
  EXPECT_EQ((*ops_.stat_blocking(path("f")))->changed_ns, std::int64_t{-86'400} * 1'000'000'000);
}

TEST_F(PosixFileOpsTest, Rename_NeverReplaces) {
  std::ofstream(path("a")) << "a";
  std::ofstream(path("b")) << "b";
  EXPECT_EQ(ops_.rename_blocking(path("a"), path("b")), false);
  EXPECT_EQ(bytes_of(path("b")), "b");
  EXPECT_EQ(ops_.rename_blocking(path("a"), path("c")), true);
  EXPECT_EQ(bytes_of(path("c")), "a");
  EXPECT_EQ(ops_.rename_blocking(path("a"), path("d")).error().code, "not_found");
}

TEST_F(PosixFileOpsTest, MakeDirectory_TellsOldFromNewAndRefusesAFile) {
  EXPECT_EQ(ops_.make_directory_blocking(path("d")), true);
  EXPECT_EQ(ops_.make_directory_blocking(path("d")), false);
  std::ofstream(path("f")) << "";
  EXPECT_EQ(ops_.make_directory_blocking(path("f")).error().code, "exists");
  EXPECT_EQ(ops_.make_directory_blocking(path("no/d")).error().code, "not_found");
}

TEST_F(PosixFileOpsTest, List_GivesEachNameOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    expected.insert(concat("f", i));
    std::ofstream(path(concat("f", i))) << "";
  }
  std::multiset<std::string> seen;
  EXPECT_TRUE(ops_.list_blocking(root_, [&seen](std::string_view name) { seen.emplace(name); }));
  EXPECT_TRUE(std::ranges::equal(seen, expected));
  EXPECT_EQ(ops_.list_blocking(path("no"), [](std::string_view) {}).error().code, "not_found");
}

TEST_F(PosixFileOpsTest, AbsentFile_IsNoErrorToUnlinkAndStat) {
  EXPECT_TRUE(ops_.unlink_blocking(path("no")));
  EXPECT_FALSE(ops_.stat_blocking(path("no")).value().has_value());
  EXPECT_TRUE((*ops_.stat_blocking(root_))->is_directory);
}

TEST_F(PosixFileOpsTest, SyncPoint_SyncsOnDiskFileSystems) {
  const auto point = ops_.open_sync_point_blocking(root_);
  ASSERT_TRUE(point);
  if (*point != nullptr) {
    EXPECT_TRUE((*point)->sync_blocking());
  }
  const auto pseudo = ops_.open_sync_point_blocking("/proc");
  ASSERT_TRUE(pseudo);
  EXPECT_EQ(*pseudo, nullptr);
}

TEST_F(PosixFileOpsTest, ShortWrite_IsCarriedOnToItsError) {
  auto file = ops_.create_exclusive_blocking(path("f"));
  ASSERT_TRUE(file);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tiny{16, before.rlim_max};
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  const Status status = (*file)->write_blocking(std::string(100, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "file_error");
  EXPECT_EQ(bytes_of(path("f")).size(), 16U) << "some was written";
}

TEST_F(PosixFileOpsTest, WholeDelivery_WorksOnARealDisk) {
  const FolderPlace place{path("new/root/alice"), ".Sent", Layout::kMaildirPlusPlus, "Sent"};
  auto folder = open(ops_, place);
  ASSERT_TRUE(folder) << folder.error().what;
  EXPECT_EQ(deliver(*folder, uids("1:3")).delivered, uids("1:3"));
  EXPECT_EQ(deliver(*folder, uids("2:40")).delivered, uids("2:40"));
  const auto scan = folder->scan_blocking(validity());
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->present, uids("1:40"));
  EXPECT_EQ(scan->messages, 40U);
  EXPECT_EQ(bytes_of(folder->directory() + "/new/1700000001.V14U1.host,S=14"), disk_body(1));
  EXPECT_EQ(mode_of(folder->directory() + "/cur/1700000002.V14U2.host,S=15:2,S"), 0600U);
  EXPECT_EQ(mode_of(path("new/root/alice/.Sent/maildirfolder")), 0600U);
}

} // namespace
} // namespace mailmoor::maildir
