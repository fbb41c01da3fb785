#include "maildir/folder_changes.h"

#include "maildir/delivery_fixture.h"

namespace mailmoor::maildir {
namespace {

using Names = std::vector<std::string>;

[[nodiscard]] FlagMap flags(std::string_view set, std::string_view letters) {
  FlagMap map;
  const UidSet wanted = uids(set);
  for (const UidRange& range : wanted.ranges())
    map.set(range, FlagLetters::parse(letters));
  return map;
}

[[nodiscard]] Names names(const ForgetfulFileOps& disk, const std::string& directory) {
  Names out;
  for (const auto& [name, bytes] : disk.files(directory))
    out.push_back(name);
  return out;
}

// "1700000001.V14U1.host,S=17" and what follows it.
[[nodiscard]] std::string name(std::uint32_t number, std::string_view rest = "") {
  return concat(1'700'000'000 + number, ".V14U", number, ".host,S=", disk_body(number).size(), rest);
}

class FolderChanges : public ::testing::Test {
 protected:
  void deliver_some(std::string_view wanted) {
    auto folder = open(disk);
    ASSERT_TRUE(folder);
    ASSERT_EQ(deliver(*folder, uids(wanted)).delivered, uids(wanted));
  }
  // Message `number` of the fixture is in new/ when odd and in cur/ with S when even.
  ChangeReport reflag(const FlagMap& server, const FlagMap& base) {
    return reflag_blocking(disk, inbox(), validity(), server, base);
  }
  static constexpr const char* kNew = "/mail/alice/new";
  static constexpr const char* kCur = "/mail/alice/cur";
  ForgetfulFileOps disk;
};

TEST_F(FolderChanges, FlagOfTheServer_ComesIntoTheNameAndOutOfNew) {
  deliver_some("1:2");
  FlagMap base = flags("1", "");
  base.set(flags("2", "S"));
  const auto report = reflag(flags("1:2", "FS"), base);
  EXPECT_EQ(report.done, uids("1:2"));
  EXPECT_EQ(report.files, 2U);
  EXPECT_FALSE(report.error);
  EXPECT_EQ(names(disk, kNew), Names());
  EXPECT_EQ(names(disk, kCur), (Names{name(1, ":2,FS"), name(2, ":2,FS")}));
}

TEST_F(FolderChanges, ClearedOnTheServer_StaysInCurWithoutTheLetter) {
  deliver_some("2");
  static_cast<void>(reflag(flags("2", ""), flags("2", "S")));
  EXPECT_EQ(names(disk, kCur), Names{name(2, ":2,")});
}

TEST_F(FolderChanges, ChangesByAReader_StayBesideTheServers) {
  deliver_some("2");
  disk.move(concat(kCur, '/', name(2, ":2,S")), concat(kCur, '/', name(2, ":2,FRSab")));
  // The server took S away; F and R are the reader's, and so are the letters that only it knows.
  static_cast<void>(reflag(flags("2", "P"), flags("2", "S")));
  EXPECT_EQ(names(disk, kCur), Names{name(2, ":2,FPRab")});
}

TEST_F(FolderChanges, FieldsOfAReader_Stay) {
  deliver_some("2");
  disk.move(concat(kCur, '/', name(2, ":2,S")), concat(kCur, '/', name(2, ",W=40:2,S,x=1")));
  static_cast<void>(reflag(flags("2", "FS"), flags("2", "S")));
  EXPECT_EQ(names(disk, kCur), Names{name(2, ",W=40:2,FS,x=1")});
}

TEST_F(FolderChanges, DeletedByAReader_IsDoneAndComesNotBack) {
  deliver_some("2");
  disk.remove(concat(kCur, '/', name(2, ":2,S")));
  const auto report = reflag(flags("2", ""), flags("2", "S"));
  EXPECT_EQ(report.done, uids("2"));
  EXPECT_EQ(report.files, 0U);
  EXPECT_FALSE(report.error);
}

TEST_F(FolderChanges, OtherNumbersAndStrangers_AreNotTouched) {
  deliver_some("2");
  disk.put(concat(kCur, "/1.V13U2.host,S=1:2,S"), "of another UIDVALIDITY");
  disk.put(concat(kCur, "/1700000002.M1P1.host:2,S"), "of another program");
  static_cast<void>(reflag(flags("2", ""), flags("2", "S")));
  EXPECT_TRUE(disk.exists(concat(kCur, "/1.V13U2.host,S=1:2,S")));
  EXPECT_TRUE(disk.exists(concat(kCur, "/1700000002.M1P1.host:2,S")));
}

TEST_F(FolderChanges, ReaderRenamesMeanwhile_IsFollowed) {
  deliver_some("2");
  // Between two readings of the directories, the second of which is owed to the stranger.
  int readings = 0;
  disk.before_list = [&](const std::string& path) {
    if (path == kCur && ++readings == 1) disk.put(concat(kCur, "/stranger"), "x");
    if (path == kNew && readings == 1)
      disk.move(concat(kCur, '/', name(2, ":2,S")), concat(kCur, '/', name(2, ":2,RS")));
  };
  const auto report = reflag(flags("2", ""), flags("2", "S"));
  EXPECT_EQ(report.done, uids("2"));
  EXPECT_EQ(names(disk, kCur), (Names{name(2, ":2,R"), "stranger"}));
}

TEST_F(FolderChanges, GoneMessages_MoveToTheTrashOfTheDay) {
  deliver_some("1:4");
  const auto report = trash_blocking(disk, inbox(), validity(), uids("1:2,9"), at(1'764'200'000));
  EXPECT_EQ(trash_day(at(1'764'200'000)), "2025-11-26");
  EXPECT_EQ(report.done, uids("1:2,9")) << "9 has no file";
  EXPECT_EQ(report.files, 2U);
  EXPECT_EQ(names(disk, "/mail/alice/.mailmoor-trash/2025-11-26/INBOX"), (Names{name(1), name(2, ":2,S")}));
  EXPECT_EQ(names(disk, kNew), Names{name(3)});
  EXPECT_EQ(names(disk, kCur), Names{name(4, ":2,S")});
}

TEST_F(FolderChanges, TakenBackAndDeletedAgain_StandsBesideTheFirst) {
  deliver_some("2");
  const std::string trash = "/mail/alice/.mailmoor-trash/2025-11-26/INBOX";
  static_cast<void>(trash_blocking(disk, inbox(), validity(), uids("2"), at(1'764'200'000)));
  disk.put(concat(kCur, '/', name(2, ":2,S")), "a copy");
  const auto report = trash_blocking(disk, inbox(), validity(), uids("2"), at(1'764'200'000));
  EXPECT_EQ(report.done, uids("2"));
  EXPECT_EQ(names(disk, trash), (Names{name(2, ":2,S"), name(2, ":2,S.1")}));
}

TEST_F(FolderChanges, CountOfFiles_TellsWhatIsHereAndOfHowMany) {
  deliver_some("1:6");
  disk.remove(concat(kCur, '/', name(2, ":2,S")));
  const auto count = count_files_blocking(disk, inbox(), validity(), uids("1:3,50"));
  ASSERT_TRUE(count);
  EXPECT_EQ(count->present, uids("1,3"));
  EXPECT_EQ(count->ours, 5U);
  EXPECT_EQ(count_files_blocking(disk, sent(), validity(), uids("1"))->ours, 0U) << "no directory";
}

TEST_F(FolderChanges, DaysOfTheTrash_GoAfterThirtyFullDaysAndNothingElseDoes) {
  deliver_some("1:2");
  const UnixTime then = at(1'764'201'599); // the last second of 2025-11-26
  static_cast<void>(trash_blocking(disk, inbox(), validity(), uids("1"), then));
  static_cast<void>(trash_blocking(disk, inbox(), validity(), uids("2"), then + std::chrono::days(1)));
  const std::string trash = "/mail/alice/.mailmoor-trash/";
  ASSERT_TRUE(disk.make_directory_blocking(trash + "2020-01-01.kept"));
  ASSERT_TRUE(disk.make_directory_blocking(trash + "2020-13-01"));
  EXPECT_EQ(empty_trash_blocking(disk, "/mail/alice", then + std::chrono::days(30)), 0U);
  EXPECT_EQ(empty_trash_blocking(disk, "/mail/alice", then + std::chrono::days(30) + std::chrono::seconds(1)), 1U);
  EXPECT_FALSE(disk.exists(trash + "2025-11-26"));
  EXPECT_TRUE(disk.exists(trash + "2025-11-27/INBOX/" + name(2, ":2,S")));
  EXPECT_TRUE(disk.exists(trash + "2020-01-01.kept"));
  EXPECT_TRUE(disk.exists(trash + "2020-13-01"));
  EXPECT_EQ(empty_trash_blocking(disk, "/mail/bob", then), 0U) << "no trash at all";
}

// --- stopped at every step -------------------------------------------------------------------------------------------

enum class Stop { kKill, kPowerCut, kFailure };

// Bytes of message `number` wherever it lies below the mailbox, each name once.
[[nodiscard]] std::size_t copies(const ForgetfulFileOps& disk, std::uint32_t number, const Names& places) {
  std::size_t found = 0;
  for (const std::string& place : places)
    for (const auto& [file, bytes] : disk.files(place))
      if (const auto parsed = parse_file_name(file); parsed && parsed->uid == uid(number)) {
        EXPECT_EQ(bytes, disk_body(number)) << file;
        ++found;
      }
  return found;
}

void stop_at_each_step(const std::function<UidSet(ForgetfulFileOps&)>& work, const Names& places, const UidSet& all,
                       const std::function<void(const ForgetfulFileOps&, const UidSet& reported)>& check_reported,
                       const std::function<void(const ForgetfulFileOps&)>& check_end) {
  for (const Stop stop : {Stop::kKill, Stop::kPowerCut, Stop::kFailure})
    for (std::size_t step = 1;; ++step) {
      bool reached = true;
      for (unsigned seed = 0; seed < (stop == Stop::kPowerCut ? 8U : 1U); ++seed) {
        SCOPED_TRACE(concat("way ", static_cast<int>(stop), " step ", step, " seed ", seed));
        ForgetfulFileOps disk;
        auto folder = open(disk);
        ASSERT_EQ(deliver(*folder, all).delivered, all);
        const std::size_t before = disk.steps();
        stop == Stop::kFailure ? disk.fail_at(step, "io_error") : disk.crash_at(step);
        const UidSet reported = work(disk);
        reached = disk.steps() >= before + step;
        if (stop == Stop::kPowerCut) disk.cut_power(seed);
        disk.kill();
        all.for_each([&](Uid each) { EXPECT_GE(copies(disk, each.value(), places), 1U) << "lost: " << each.value(); });
        check_reported(disk, reported);
        EXPECT_EQ(work(disk), all) << "the second time";
        all.for_each([&](Uid each) { EXPECT_EQ(copies(disk, each.value(), places), 1U) << each.value(); });
        check_end(disk);
        disk.cut_power(seed); // what was reported the second time is durable
        check_end(disk);
        if (::testing::Test::HasFailure()) return;
      }
      if (!reached) break;
    }
}

TEST(FolderChangesCrash, ReflaggingStoppedAtEachStep_LosesNothingAndEndsTheSame) {
  const FlagMap server = flags("1:4", "FS");
  FlagMap base = flags("1,3", "");
  base.set(flags("2,4", "S"));
  const Names places{"/mail/alice/new", "/mail/alice/cur"};
  const auto in_cur = [](const ForgetfulFileOps& disk, Uid each) {
    return disk.exists(concat("/mail/alice/cur/", name(each.value(), ":2,FS")));
  };
  stop_at_each_step(
      [&](ForgetfulFileOps& disk) { return reflag_blocking(disk, inbox(), validity(), server, base).done; }, places,
      uids("1:4"),
      [&](const ForgetfulFileOps& disk, const UidSet& reported) {
        reported.for_each([&](Uid each) { EXPECT_TRUE(in_cur(disk, each)) << "reported, not durable"; });
      },
      [&](const ForgetfulFileOps& disk) {
        uids("1:4").for_each([&](Uid each) { EXPECT_TRUE(in_cur(disk, each)) << each.value(); });
      });
}

TEST(FolderChangesCrash, RemovalStoppedAtEachStep_LosesNothingAndEndsTheSame) {
  const std::string trash = "/mail/alice/.mailmoor-trash/2025-11-26/INBOX";
  const Names places{"/mail/alice/new", "/mail/alice/cur", trash};
  const auto in_trash = [&trash](const ForgetfulFileOps& disk, Uid each) {
    return disk.exists(concat(trash, '/', name(each.value(), each.value() % 2 == 0 ? ":2,S" : "")));
  };
  stop_at_each_step(
      [&](ForgetfulFileOps& disk) {
        return trash_blocking(disk, inbox(), validity(), uids("1:4"), at(1'764'200'000)).done;
      },
      places, uids("1:4"),
      [&](const ForgetfulFileOps& disk, const UidSet& reported) {
        reported.for_each([&](Uid each) { EXPECT_TRUE(in_trash(disk, each)) << "reported, not durable"; });
      },
      [&](const ForgetfulFileOps& disk) {
        uids("1:4").for_each([&](Uid each) { EXPECT_TRUE(in_trash(disk, each)) << each.value(); });
      });
}

} // namespace
} // namespace mailmoor::maildir
