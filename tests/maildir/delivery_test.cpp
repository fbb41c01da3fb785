#include "maildir/delivery.h"

#include "maildir/delivery_fixture.h"

#include <random>

namespace mailmoor::maildir {
namespace {

using Files = std::map<std::string, std::string>;

// What becomes of `wire`, given in pieces of `piece` bytes.
[[nodiscard]] std::string written(std::string_view wire, std::size_t piece, LineEndings line_endings) {
  ForgetfulFileOps disk;
  auto folder = FolderDelivery::open_blocking(disk, {"host", "r1", line_endings, true}, inbox());
  auto writer = folder->begin_blocking();
  for (std::size_t i = 0; i < wire.size(); i += piece)
    EXPECT_TRUE(writer->append_blocking(wire.substr(i, piece)));
  auto staged = writer->finish_blocking(identity(1));
  const std::uint64_t size = staged->size_on_disk();
  std::vector<StagedMessage> batch;
  batch.push_back(*std::move(staged));
  EXPECT_FALSE(folder->commit_blocking(std::move(batch)).error);
  const Files files = disk.files("/mail/alice/new");
  EXPECT_EQ(files.size(), 1U);
  EXPECT_EQ(files.begin()->second.size(), size);
  EXPECT_EQ(files.begin()->first, concat("1700000001.V14U1.host,S=", size));
  return files.begin()->second;
}

TEST(MessageWriter, LineEndings_FollowTheTableInAnyChunking) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, std::string_view> table[] = {
      {"", ""},
      {"a\r\nb\r\n", "a\nb\n"},
      {"\r\n", "\n"},
      {"a\nb", "a\nb"},
      {"a\rb", "a\rb"},
      {"a\r", "a\r"},
      {"\r\r\n", "\r\n"},
      {"\r\r\r", "\r\r\r"},
      {"\n\r\n", "\n\n"},
      {"\r\n\r\n", "\n\n"},
      {"a\0\r\n\0"sv, "a\0\n\0"sv},
      {"\r\0\n"sv, "\r\0\n"sv},
      {"\xFF\r\n\xFE", "\xFF\n\xFE"},
  };
  for (const auto& [wire, expected] : table)
    for (std::size_t piece = 1; piece <= wire.size() + 1; ++piece) {
      EXPECT_EQ(written(wire, piece, LineEndings::kLf), expected);
      EXPECT_EQ(written(wire, piece, LineEndings::kCrlf), wire);
    }
}

TEST(MessageWriter, LongRandomBytes_ConvertAsOnePassWould) {
  std::mt19937 random(3);
  std::string wire, expected;
  for (int i = 0; i < 300'000; ++i)
    wire.push_back("\r\nab"[random() % 4]);
  for (std::size_t i = 0; i < wire.size(); ++i)
    if (!(wire[i] == '\r' && i + 1 < wire.size() && wire[i + 1] == '\n')) expected.push_back(wire[i]);
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{65'536}, std::size_t{65'537}, wire.size()})
    EXPECT_TRUE(written(wire, piece, LineEndings::kLf) == expected) << piece;
}

TEST(MessageWriter, DroppedHalfWay_LeavesNothing) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  {
    auto writer = folder->begin_blocking();
    ASSERT_TRUE(writer->append_blocking("half"));
    EXPECT_EQ(disk.files("/mail/alice/tmp").size(), 1U);
    const MessageWriter moved = *std::move(writer);
  }
  EXPECT_EQ(disk.files("/mail/alice/tmp"), Files());
}

TEST(MessageWriter, FullDisk_IsAnErrorAndLeavesNothing) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  {
    auto writer = folder->begin_blocking();
    disk.fail_at(1);
    Status status = writer->append_blocking(std::string(200'000, 'x'));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, "disk_full");
  }
  EXPECT_EQ(disk.files("/mail/alice/tmp"), Files());
}

// As network file systems tell of a quota that is used up.
TEST(MessageWriter, LossToldAtTheClose_IsAnErrorAndLeavesNothing) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  auto writer = folder->begin_blocking();
  ASSERT_TRUE(writer->append_blocking("Subject: one\r\n\r\nhello\r\n"));
  disk.fail_at(3, "quota_exceeded"); // write, time, close
  {
    const auto staged = writer->finish_blocking(identity(1));
    ASSERT_FALSE(staged);
    EXPECT_EQ(staged.error().code, "quota_exceeded");
    const MessageWriter gone = *std::move(writer);
  }
  EXPECT_EQ(disk.files("/mail/alice/tmp"), Files());
}

TEST(Delivery, ReadAndUnread_GoWhereReadersLook) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  const auto report = deliver(*folder, uids("1:2"));
  EXPECT_FALSE(report.error);
  EXPECT_EQ(report.delivered, uids("1:2"));
  EXPECT_EQ(disk.files("/mail/alice/new"), (Files{{"1700000001.V14U1.host,S=14", disk_body(1)}}));
  EXPECT_EQ(disk.files("/mail/alice/cur"), (Files{{"1700000002.V14U2.host,S=15:2,S", disk_body(2)}}));
  EXPECT_EQ(disk.files("/mail/alice/tmp"), Files());
  EXPECT_EQ(disk.mtime("/mail/alice/new/1700000001.V14U1.host,S=14"), at(1'700'000'001));
}

TEST(Delivery, FlagsOff_EverythingArrivesNew) {
  ForgetfulFileOps disk;
  auto folder = FolderDelivery::open_blocking(disk, {"host", "r1", LineEndings::kLf, false}, inbox());
  EXPECT_FALSE(deliver(*folder, uids("2")).error);
  EXPECT_EQ(disk.files("/mail/alice/new"), (Files{{"1700000002.V14U2.host,S=15", disk_body(2)}}));
}

TEST(Delivery, FlaggedUnread_KeepsItsFlagInNew) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  MessageIdentity flagged = identity(1);
  flagged.flags.set(SystemFlag::kFlagged);
  std::vector<StagedMessage> batch;
  batch.push_back(*stage(*folder, flagged, "x"));
  EXPECT_FALSE(folder->commit_blocking(std::move(batch)).error);
  EXPECT_EQ(disk.files("/mail/alice/new"), (Files{{"1700000001.V14U1.host,S=1:2,F", "x"}}));
}

TEST(Delivery, StagedButNotCommitted_LeavesNothing) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  {
    const auto staged = stage(*folder, identity(1), "x");
  }
  EXPECT_EQ(disk.files("/mail/alice/tmp"), Files());
}

TEST(Delivery, Subfolder_HasTheMarkerOfMaildirPlusPlus) {
  ForgetfulFileOps disk;
  ASSERT_TRUE(open(disk, sent()));
  EXPECT_TRUE(disk.exists("/mail/alice/.Sent/maildirfolder"));
  ASSERT_TRUE(open(disk, inbox()));
  EXPECT_FALSE(disk.exists("/mail/alice/maildirfolder"));
  ASSERT_TRUE(open(disk, {"/mail/alice", "Lists/dev", Layout::kFs, "Lists/dev"}));
  EXPECT_FALSE(disk.exists("/mail/alice/Lists/dev/maildirfolder"));
  EXPECT_FALSE(disk.exists("/mail/alice/Lists/cur")) << "a parent is no folder";
}

TEST(Delivery, ShortenedDirectory_SpellsOutItsName) {
  ForgetfulFileOps disk;
  const std::string name(300, 'n');
  const std::string directory = directory_of(FolderName::from_wire(name, '/'), Layout::kFs);
  ASSERT_TRUE(open(disk, {"/mail/alice", directory, Layout::kFs, name}));
  EXPECT_EQ(disk.files("/mail/alice/" + directory), (Files{{std::string(kNameFile), name + "\n"}}));
}

TEST(Delivery, Reopening_ClearsOurTemporariesAndNoOthers) {
  ForgetfulFileOps disk;
  ASSERT_TRUE(open(disk));
  disk.put("/mail/alice/tmp/mailmoor-r0-1.oldhost", "half");
  disk.put("/mail/alice/tmp/1700000000.M1P2.host", "another program's");
  ASSERT_TRUE(open(disk));
  EXPECT_EQ(disk.files("/mail/alice/tmp"), (Files{{"1700000000.M1P2.host", "another program's"}}));
}

TEST(Delivery, DeliveredAgain_IsDeliveredOnce) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  EXPECT_FALSE(deliver(*folder, uids("1:4")).error);
  const auto report = deliver(*folder, uids("3:6"));
  EXPECT_FALSE(report.error);
  EXPECT_EQ(report.delivered, uids("3:6"));
  EXPECT_EQ(disk.files("/mail/alice/new").size() + disk.files("/mail/alice/cur").size(), 6U);
}

TEST(Delivery, DeliveredAgainByAnotherRunWithOtherBytesAndFlags_IsDeliveredOnce) {
  ForgetfulFileOps disk;
  {
    auto folder = open(disk);
    EXPECT_FALSE(deliver(*folder, uids("1")).error);
  }
  disk.move("/mail/alice/new/1700000001.V14U1.host,S=14", "/mail/alice/cur/1700000001.V14U1.host,S=14:2,RS");
  auto folder = open(disk, inbox(), "r2");
  std::vector<StagedMessage> batch;
  MessageIdentity again = identity(1);
  again.flags.set(SystemFlag::kSeen);
  batch.push_back(*stage(*folder, again, "rendered anew"));
  const auto report = folder->commit_blocking(std::move(batch));
  EXPECT_EQ(report.delivered, uids("1"));
  EXPECT_EQ(disk.files("/mail/alice/cur"), (Files{{"1700000001.V14U1.host,S=14:2,RS", disk_body(1)}}));
  EXPECT_EQ(disk.files("/mail/alice/new"), Files());
  EXPECT_EQ(disk.files("/mail/alice/tmp"), Files());
}

TEST(Delivery, DeliveredAgainAfterAReaderRenamedIt_IsDeliveredOnce) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  EXPECT_FALSE(deliver(*folder, uids("1")).error);
  disk.move("/mail/alice/new/1700000001.V14U1.host,S=14", "/mail/alice/cur/1700000001.V14U1.host,S=14:2,S");
  EXPECT_EQ(deliver(*folder, uids("1")).delivered, uids("1"));
  EXPECT_EQ(disk.files("/mail/alice/new"), Files());
}

TEST(Delivery, DirectoryThatCouldNotBeSynced_IsSyncedBeforeTheNextReport) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  ASSERT_TRUE(folder->scan_blocking(validity()));
  auto staged = stage(*folder, identity(1), wire_body(1));
  std::vector<StagedMessage> batch;
  batch.push_back(*std::move(staged));
  disk.fail_at(3, "io_error"); // sync, rename, and then not the directory
  const auto failed = folder->commit_blocking(std::move(batch));
  EXPECT_TRUE(failed.error);
  EXPECT_TRUE(failed.delivered.empty());
  ASSERT_EQ(disk.files("/mail/alice/new").size(), 1U) << "the failure came at another step";
  EXPECT_EQ(deliver(*folder, uids("1")).delivered, uids("1"));
  for (unsigned seed = 0; seed < 8; ++seed) {
    disk.cut_power(seed);
    EXPECT_EQ(disk.files("/mail/alice/new").size(), 1U);
  }
}

TEST(Delivery, SameUidTwiceInABatch_IsDeliveredOnce) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  std::vector<StagedMessage> batch;
  for (const std::string_view body : {"first", "second!"})
    batch.push_back(*stage(*folder, identity(1), body));
  EXPECT_EQ(folder->commit_blocking(std::move(batch)).delivered, uids("1"));
  EXPECT_EQ(disk.files("/mail/alice/new"), (Files{{"1700000001.V14U1.host,S=5", "first"}}));
  EXPECT_EQ(disk.files("/mail/alice/tmp"), Files());
}

TEST(Delivery, MessageMovedHereFromAnotherFolder_DoesNotHideTheRealOne) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  disk.put("/mail/alice/cur/1600000000.V14U1.host,S=5:2,S", "moved"); // UIDVALIDITY 14 there too
  EXPECT_EQ(deliver(*folder, uids("1")).delivered, uids("1"));
  EXPECT_EQ(disk.files("/mail/alice/new"), (Files{{"1700000001.V14U1.host,S=14", disk_body(1)}}));
}

TEST(Delivery, DeletedByTheReaderAndFetchedForRepair_ComesBack) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  EXPECT_FALSE(deliver(*folder, uids("1")).error);
  disk.remove("/mail/alice/new/1700000001.V14U1.host,S=14");
  EXPECT_EQ(deliver(*folder, uids("1")).delivered, uids("1"));
  EXPECT_EQ(disk.files("/mail/alice/new").size(), 1U);
}

TEST(Delivery, OtherUidValidity_IsAnotherMessage) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  EXPECT_FALSE(deliver(*folder, uids("1")).error);
  MessageIdentity other = identity(1);
  other.validity = validity(15);
  std::vector<StagedMessage> batch;
  batch.push_back(*stage(*folder, other, "other"));
  EXPECT_EQ(folder->commit_blocking(std::move(batch)).delivered, uids("1"));
  EXPECT_EQ(disk.files("/mail/alice/new").size(), 2U);
}

TEST(Delivery, OwnerKnowsWhatIsThere_CommitReadsNoDirectory) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  folder->assume_present(validity(), uids("1:3"));
  int lists = 0;
  disk.before_list = [&lists](const std::string&) { ++lists; };
  EXPECT_EQ(deliver(*folder, uids("4:5")).delivered, uids("4:5"));
  EXPECT_EQ(lists, 0);
  EXPECT_EQ(deliver(*folder, uids("3")).delivered, uids("3")) << "a UID of the set is looked for, and was deleted";
  EXPECT_EQ(disk.files("/mail/alice/new").size(), 2U);
}

// Its administrator has made the directory, and durable.
TEST(Delivery, ParentThatMayNotBeRead_IsNotSynced) {
  ForgetfulFileOps disk;
  disk.offer_sync_point(false);
  ASSERT_TRUE(disk.make_directory_blocking("/mail"));
  ASSERT_TRUE(disk.sync_directory_blocking("/"));
  disk.spoil("/mail");
  auto folder = open(disk).value();
  EXPECT_EQ(deliver(folder, uids("1")).delivered, uids("1"));
  disk.spoil("/mail/alice/new");
  EXPECT_TRUE(deliver(folder, uids("3")).delivered.empty()) << "what we may not sync ourselves is not delivered";
}

TEST(Delivery, EmptyBatch_IsNothing) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  const auto report = folder->commit_blocking({});
  EXPECT_TRUE(report.delivered.empty());
  EXPECT_FALSE(report.error);
}

TEST(Scan, FindsOursUnderAnyNameAndCountsAll) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  EXPECT_FALSE(deliver(*folder, uids("1:5")).error);
  disk.move("/mail/alice/new/1700000001.V14U1.host,S=14", "/mail/alice/cur/1700000001.V14U1.host,S=14:2,FRS");
  disk.remove("/mail/alice/new/1700000003.V14U3.host,S=16");
  disk.put("/mail/alice/new/1.V15U9.host,S=1", "another UIDVALIDITY");
  disk.put("/mail/alice/cur/1700000000.M1P2.host:2,S", "local delivery");
  const auto scan = folder->scan_blocking(validity());
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->present, uids("1:2,4:5"));
  EXPECT_EQ(scan->messages, 6U);
}

TEST(Scan, ReaderRenamesMeanwhile_MissesNothing) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  EXPECT_FALSE(deliver(*folder, uids("1")).error);
  // cur/ was read, then the reader moves the message back to new/ (mutt's "toggle-new").
  disk.move("/mail/alice/new/1700000001.V14U1.host,S=14", "/mail/alice/cur/1700000001.V14U1.host,S=14:2,S");
  disk.before_list = [&disk, calls = 0](const std::string& path) mutable {
    if (path.ends_with("/cur") && calls++ == 0)
      disk.move("/mail/alice/cur/1700000001.V14U1.host,S=14:2,S", "/mail/alice/new/1700000001.V14U1.host,S=14");
  };
  const auto scan = folder->scan_blocking(validity());
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->present, uids("1"));
  EXPECT_EQ(scan->messages, 1U);
}

TEST(Scan, RenameThatWasNeverSynced_IsDurableOnceReported) {
  ForgetfulFileOps disk;
  {
    auto folder = open(disk);
    auto staged = stage(*folder, identity(1), wire_body(1));
    std::vector<StagedMessage> batch;
    batch.push_back(*std::move(staged));
    ASSERT_TRUE(folder->scan_blocking(validity()));
    disk.crash_at(3); // sync, rename, and then not the directory
    EXPECT_TRUE(folder->commit_blocking(std::move(batch)).error);
  }
  disk.kill();
  ASSERT_EQ(disk.files("/mail/alice/new").size(), 1U) << "the crash came at another step";
  auto folder = open(disk);
  EXPECT_EQ(folder->scan_blocking(validity())->present, uids("1"));
  for (unsigned seed = 0; seed < 8; ++seed) {
    disk.cut_power(seed);
    EXPECT_EQ(disk.files("/mail/alice/new"), (Files{{"1700000001.V14U1.host,S=14", disk_body(1)}}));
  }
}

TEST(Scan, ManyMessages_AreOneRange) {
  ForgetfulFileOps disk;
  auto folder = open(disk);
  for (std::uint32_t i = 1; i <= 30'000; ++i)
    disk.put(concat("/mail/alice/cur/", 1'700'000'000 + i * 7919 % 30'011, ".V14U", i, ".host,S=1:2,S"), "x");
  const auto scan = folder->scan_blocking(validity());
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->present.to_string(), "1:30000");
}

} // namespace
} // namespace mailmoor::maildir
