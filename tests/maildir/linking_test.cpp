// A message that another folder has gets a second name: what comes of it, what keeps it from it, and that nothing is
// lost or doubled wherever it is stopped.
#include "maildir/linking.h"

#include "maildir/delivery_fixture.h"
#include "maildir/folder_changes.h"

namespace mailmoor::maildir {
namespace {

constexpr std::uint32_t kOtherValidity = 99;

// Message `number` of INBOX is number + 100 of Sent, where it has flags of its own.
[[nodiscard]] Twin twin(std::uint32_t number) {
  MessageIdentity here = identity(number);
  here.validity = validity(kOtherValidity);
  here.uid = uid(number + 100);
  here.flags = Flags::from_maildir_letters(number % 3 == 0 ? "FS" : "");
  return {uid(number), wire_body(number).size(), here};
}
[[nodiscard]] std::vector<Twin> twins(std::string_view numbers) {
  std::vector<Twin> all;
  uids(numbers).for_each([&all](Uid number) { all.push_back(twin(number.value())); });
  return all;
}

[[nodiscard]] CommitReport link(ForgetfulFileOps& disk, FolderDelivery& here, const std::vector<Twin>& wanted) {
  auto staged = stage_twins_blocking(disk, "/mail/alice", validity(), wanted, here);
  if (!staged) return {{}, staged.error()};
  return here.commit_blocking(*std::move(staged));
}

// UID → path; fails on one that is there twice.
[[nodiscard]] std::map<std::uint32_t, std::string> paths(const ForgetfulFileOps& disk, const std::string& directory) {
  std::map<std::uint32_t, std::string> out;
  for (const char* sub : {"/new/", "/cur/"})
    for (const auto& [name, bytes] : disk.files(directory + sub)) {
      const auto parsed = parse_file_name(name);
      EXPECT_TRUE(parsed && out.emplace(parsed->uid.value(), concat(directory, sub, name)).second) << name;
    }
  return out;
}
[[nodiscard]] std::string path_of(const ForgetfulFileOps& disk, std::uint32_t number) {
  return paths(disk, "/mail/alice").at(number);
}

class Linking : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = open(disk_);
    ASSERT_EQ(deliver(*folder, uids("1:6")).delivered, uids("1:6"));
    here_.emplace(*open(disk_, sent()));
  }
  // What could be linked of these.
  [[nodiscard]] std::string linked(std::string_view numbers) {
    const CommitReport report = link(disk_, *here_, twins(numbers));
    EXPECT_FALSE(report.error);
    EXPECT_TRUE(disk_.files("/mail/alice/.Sent/tmp").empty());
    return report.delivered.to_string();
  }

  ForgetfulFileOps disk_;
  std::optional<FolderDelivery> here_;
};

TEST_F(Linking, Twins_AreTheSameFilesUnderNamesOfTheirOwn) {
  const std::size_t before = disk_.tree("/mail").size();
  EXPECT_EQ(linked("1:6"), "101:106");
  EXPECT_EQ(disk_.links(), 6U);
  EXPECT_EQ(disk_.tree("/mail").size(), before + 6);
  const auto there = paths(disk_, "/mail/alice");
  for (const auto& [number, path] : paths(disk_, "/mail/alice/.Sent"))
    EXPECT_TRUE(disk_.is_one_file(path, there.at(number - 100))) << path;
  const auto here = paths(disk_, "/mail/alice/.Sent");
  EXPECT_EQ(here.at(103), concat("/mail/alice/.Sent/cur/1700000003.V99U103.host,S=", disk_body(3).size(), ":2,FS"));
  EXPECT_EQ(here.at(102), concat("/mail/alice/.Sent/new/1700000002.V99U102.host,S=", disk_body(2).size()));
  EXPECT_TRUE(there.at(102 - 100).ends_with(":2,S")) << "the other one's flags are its own";
}

TEST_F(Linking, Again_IsTheSameAsOnce) {
  EXPECT_EQ(linked("1:3"), "101:103");
  EXPECT_EQ(linked("1:6"), "101:106");
  EXPECT_EQ(paths(disk_, "/mail/alice/.Sent").size(), 6U);
}

TEST_F(Linking, ReaderThatRenamedOrFlagged_HidesNothing) {
  disk_.move(path_of(disk_, 1), concat("/mail/alice/cur/1700000001.V14U1.elsewhere,S=", disk_body(1).size(), ":2,RS"));
  EXPECT_EQ(linked("1"), "101");
  // In the very moment, and then in each.
  const std::string two = path_of(disk_, 2);
  disk_.before_link = [&](const std::string& path) {
    if (path == two) disk_.move(path, path + "F");
  };
  EXPECT_EQ(linked("2"), "102");
  disk_.before_link = [&](const std::string& path) { disk_.move(path, path + "x"); };
  EXPECT_EQ(linked("3"), "") << "it is fetched";
}

TEST_F(Linking, FileThatIsNotTheOne_IsNotLinked) {
  const std::string three = path_of(disk_, 3);
  disk_.remove(path_of(disk_, 1));
  // A second file of that UID: a reader's copy, or another folder's message.
  disk_.put(concat("/mail/alice/cur/1700000002.V14U2.copy,S=", disk_body(2).size(), ":2,"), "another");
  // Cut short, or written to.
  disk_.put(three, "Subject: 3\n");
  // Of another date, or of other line endings.
  std::vector<Twin> rest = twins("4:6");
  rest[0].identity.internal_date += std::chrono::seconds(1);
  rest[1].wire_size = disk_body(5).size();
  rest[2].wire_size = 2 * disk_body(6).size() + 2;
  EXPECT_EQ(linked("1:3"), "");
  EXPECT_EQ(link(disk_, *here_, rest).delivered, UidSet());
  EXPECT_TRUE(paths(disk_, "/mail/alice/.Sent").empty());
  EXPECT_TRUE(disk_.files("/mail/alice/.Sent/tmp").empty());
}

TEST_F(Linking, FolderKeptAsSent_TakesOnlyFilesWithEveryOctet) {
  auto crlf = FolderDelivery::open_blocking(disk_, {"host", "r3", LineEndings::kCrlf, true}, sent());
  ASSERT_TRUE(crlf);
  EXPECT_EQ(link(disk_, *crlf, twins("1:6")).delivered, UidSet());
}

TEST_F(Linking, InTheTrashMeanwhile_IsFetched) {
  ASSERT_FALSE(trash_blocking(disk_, inbox(), validity(), uids("1:2"), at(1'700'000'000)).error);
  EXPECT_EQ(linked("1:3"), "103");
  // And one that was linked stays when the other one goes.
  ASSERT_FALSE(trash_blocking(disk_, inbox(), validity(), uids("3"), at(1'700'000'000)).error);
  EXPECT_EQ(disk_.files("/mail/alice/.Sent/cur").begin()->second, disk_body(3));
}

TEST_F(Linking, OnePlaceWithoutLinks_HasNone) {
  disk_.offer_links(false);
  EXPECT_EQ(linked("1:6"), "");
  disk_.offer_links(true);
  EXPECT_FALSE(link(disk_, *here_, twins("1")).error);
  auto staged = stage_twins_blocking(disk_, "/mail/nobody", validity(), twins("1"), *here_);
  ASSERT_TRUE(staged);
  EXPECT_TRUE(staged->empty()) << "there is no such directory";
}

TEST_F(Linking, TwoMessagesOfOneFile_AreNotMadeOfIt) {
  std::vector<Twin> two = twins("1");
  two.push_back(two.front());
  two.back().identity.uid = uid(200);
  EXPECT_EQ(link(disk_, *here_, two).delivered, uids("101"));
}

// --- stopped at every step -------------------------------------------------------------------------------------------

constexpr std::string_view kMany = "1:12"; // enough for a sync of the whole

[[nodiscard]] ForgetfulFileOps& filled(ForgetfulFileOps& disk) {
  auto folder = open(disk);
  EXPECT_EQ(deliver(*folder, uids(kMany)).delivered, uids(kMany));
  return disk;
}

[[nodiscard]] UidSet run(ForgetfulFileOps& disk, std::string_view numbers) {
  auto here = open(disk, sent());
  if (!here) return {};
  return link(disk, *here, twins(numbers)).delivered;
}

void recover_and_check(ForgetfulFileOps& disk, std::string_view numbers, const UidSet& reported) {
  auto here = open(disk, sent(), "r2");
  ASSERT_TRUE(here) << here.error().what;
  EXPECT_TRUE(disk.files("/mail/alice/.Sent/tmp").empty());
  const auto scan = here->scan_blocking(validity(kOtherValidity));
  ASSERT_TRUE(scan);
  EXPECT_TRUE(reported.minus(scan->present).empty()) << "lost: " << reported.minus(scan->present).to_string();
  const CommitReport again = link(disk, *here, twins(numbers));
  EXPECT_FALSE(again.error);
  EXPECT_EQ(again.delivered.size(), uids(numbers).size());
  EXPECT_EQ(paths(disk, "/mail/alice/.Sent").size(), uids(numbers).size());
  for (const auto& [number, path] : paths(disk, "/mail/alice/.Sent"))
    EXPECT_TRUE(disk.tree("/mail").at(path) == disk_body(number - 100)) << path;
  const auto there = paths(disk, "/mail/alice");
  EXPECT_EQ(there.size(), uids(kMany).size()) << "nothing of the other folder was touched";
  for (const auto& [number, path] : there)
    EXPECT_TRUE(disk.tree("/mail").at(path) == disk_body(number)) << path;
}

TEST(LinkingCrash, KilledOrCutAtEachStep_LosesAndDoublesNothing) {
  for (const std::string_view numbers : {"1:3", "1:12"}) {
    ForgetfulFileOps whole;
    const std::size_t first = filled(whole).steps();
    static_cast<void>(run(whole, numbers));
    const std::size_t steps = whole.steps() - first;
    ASSERT_GT(steps, 10U);
    for (std::size_t step = 1; step <= steps + 1; ++step)
      for (unsigned seed = 0; seed < 5; ++seed) {
        SCOPED_TRACE(concat(numbers, " step ", step, " seed ", seed));
        ForgetfulFileOps disk;
        filled(disk).crash_at(step);
        const UidSet reported = run(disk, numbers);
        if (seed == 0)
          disk.kill();
        else
          disk.cut_power(seed);
        recover_and_check(disk, numbers, reported);
        if (HasFailure()) return;
      }
  }
}

TEST(LinkingFailure, FullDiskAtEachStep_SaysWhatWasDelivered) {
  ForgetfulFileOps whole;
  const std::size_t first = filled(whole).steps();
  static_cast<void>(run(whole, "1:3"));
  for (std::size_t step = 1; step <= whole.steps() - first; ++step) {
    SCOPED_TRACE(concat("step ", step));
    ForgetfulFileOps disk;
    filled(disk).fail_at(step);
    const UidSet reported = run(disk, "1:3");
    disk.cut_power(1);
    recover_and_check(disk, "1:3", reported);
  }
}

} // namespace
} // namespace mailmoor::maildir
