#include "maildir/relink.h"

#include "maildir/delivery_fixture.h"
#include "model/message_id.h"

#include <gmock/gmock.h>

namespace mailmoor::maildir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::uint32_t kNew = 99;

[[nodiscard]] std::uint64_t fingerprint(std::string_view message) {
  MessageIdScanner scanner;
  scanner.append(message);
  return scanner.fingerprint();
}

[[nodiscard]] Digest digest(std::string_view octets, std::size_t piece = 7) {
  ContentDigest digest;
  for (std::size_t i = 0; i < octets.size(); i += piece)
    digest.append(octets.substr(i, piece));
  return digest.finish();
}

[[nodiscard]] std::vector<std::string> names(const ForgetfulFileOps& disk, const char* sub) {
  std::vector<std::string> out;
  for (const auto& [name, bytes] : disk.files(concat("/mail/alice/", sub)))
    out.push_back(name);
  return out;
}

class RelinkTest : public ::testing::Test {
 protected:
  RelinkTest() {
    auto folder = open(disk);
    EXPECT_FALSE(deliver(*folder, uids("1:3")).error);
  }
  [[nodiscard]] std::vector<Stranger> strangers() {
    auto found = list_strangers_blocking(disk, inbox(), validity(kNew));
    EXPECT_TRUE(found);
    EXPECT_TRUE(read_strangers_blocking(disk, inbox(), *found));
    return *found;
  }
  // Old UID n is new UID 100 + n.
  [[nodiscard]] static std::vector<Link> links(const std::vector<Stranger>& strangers) {
    std::vector<Link> links;
    for (const Stranger& stranger : strangers)
      links.push_back({stranger, uid(100 + stranger.uid.value()), stranger.internal_date});
    return links;
  }
  [[nodiscard]] UidSet present() {
    auto folder = open(disk);
    return folder->scan_blocking(validity(kNew))->present;
  }

  ForgetfulFileOps disk;
};

TEST_F(RelinkTest, FilesOfAnotherValidity_AreListedAndRead) {
  disk.put("/mail/alice/cur/1700000005.V99U5.host,S=3:2,S", "own");
  disk.put("/mail/alice/cur/1700000005.M1P2.host", "another program's");
  auto folder = open(disk);
  EXPECT_EQ(3U, folder->scan_blocking(validity(kNew))->of_other_validity);
  const auto found = strangers();
  ASSERT_EQ(3U, found.size());
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(uid(i + 1), found[i].uid);
    EXPECT_EQ(validity(), found[i].validity);
    EXPECT_TRUE(found[i].is_read);
    EXPECT_EQ(wire_body(i + 1).size(), found[i].wire_size) << "as the server counts";
    EXPECT_EQ(identity(i + 1).internal_date, found[i].internal_date);
    EXPECT_EQ(i != 1, found[i].in_new);
  }
}

TEST_F(RelinkTest, SizeOnTheWire_HoweverTheFileIsKept) {
  struct Row {
    std::string_view file, wire;
  };
  using namespace std::string_view_literals;
  for (const Row& row :
       {Row{"", ""}, Row{"a: b\n\nc\n", "a: b\r\n\r\nc\r\n"}, Row{"a: b\r\n\r\nc\r\n", "a: b\r\n\r\nc\r\n"},
        Row{"no end", "no end"}, Row{"a\n\0b\n"sv, "a\r\n\0b\r\n"sv}}) {
    ForgetfulFileOps fresh;
    ASSERT_TRUE(open(fresh));
    fresh.put("/mail/alice/cur/1.V1U1.host,S=1:2,", std::string(row.file));
    auto found = list_strangers_blocking(fresh, inbox(), validity(kNew));
    ASSERT_TRUE(read_strangers_blocking(fresh, inbox(), *found));
    EXPECT_EQ(row.wire.size(), found->at(0).wire_size);
    EXPECT_EQ(fingerprint(row.wire), found->at(0).message_id);
    EXPECT_EQ(digest(row.wire), digest_stranger_blocking(fresh, inbox(), found->at(0)).value());
  }
}

TEST(ContentDigest, LineEndings_DoNotCountAndAllElseDoes) {
  for (const std::size_t piece : {1U, 2U, 3U, 50U}) {
    EXPECT_EQ(digest("a\r\nb\r\n", piece), digest("a\nb\n", piece));
    EXPECT_EQ(digest("a\r\r\nb", piece), digest("a\r\nb", piece)) << "as it is kept: one CR less";
    EXPECT_NE(digest("a\rb\n", piece), digest("ab\n", piece));
    EXPECT_NE(digest("a\r", piece), digest("a", piece));
    EXPECT_NE(digest("a\r\r", piece), digest("a\r", piece));
    EXPECT_NE(digest("a\n", piece), digest("a", piece));
    EXPECT_EQ(digest("a\rb\r", piece), digest("a\rb\r", 100));
  }
  // FIPS 180-4: of nothing.
  const Digest empty = digest("");
  EXPECT_EQ(0xE3, empty[0]);
  EXPECT_EQ(0x55, empty[31]);
}

TEST_F(RelinkTest, File_KeepsFlagsDirectoryAndBytes) {
  disk.move("/mail/alice/new/1700000001.V14U1.host,S=14", "/mail/alice/cur/1700000001.V14U1.host,S=14,X=y:2,FSa");
  const auto report = relink_blocking(disk, inbox(), validity(kNew), links(strangers()));
  EXPECT_FALSE(report.error);
  EXPECT_THAT(report.done, ElementsAre(0, 1, 2));
  EXPECT_THAT(names(disk, "cur"),
              UnorderedElementsAre("1700000001.V99U101.host,S=14,X=y:2,FSa", "1700000002.V99U102.host,S=15:2,S"));
  EXPECT_THAT(names(disk, "new"), ElementsAre("1700000003.V99U103.host,S=16"));
  EXPECT_EQ(disk_body(3), disk.files("/mail/alice/new").begin()->second);
  disk.cut_power(1);
  EXPECT_EQ(uids("101:103"), present()) << "durable";
}

TEST_F(RelinkTest, ChangedDate_IsInNameAndTime) {
  auto found = strangers();
  const Link link{found[2], uid(7), at(1'800'000'000)};
  EXPECT_FALSE(relink_blocking(disk, inbox(), validity(kNew), {link}).error);
  EXPECT_THAT(names(disk, "new"), UnorderedElementsAre("1700000001.V14U1.host,S=14", "1800000000.V99U7.host,S=16"));
  EXPECT_EQ(at(1'800'000'000), disk.mtime("/mail/alice/new/1800000000.V99U7.host,S=16"));
}

TEST_F(RelinkTest, ReadersMeanwhile_AreFollowedOrLeftAlone) {
  const auto found = strangers();
  disk.move("/mail/alice/new/1700000001.V14U1.host,S=14", "/mail/alice/cur/1700000001.V14U1.host,S=14:2,S");
  disk.remove("/mail/alice/cur/1700000002.V14U2.host,S=15:2,S");
  disk.move("/mail/alice/new/1700000003.V14U3.host,S=16", "/mail/alice/cur/1700000003.V14U3.host,S=16:2,");
  disk.put("/mail/alice/cur/1700000003.V14U3.copy,S=16:2,", "a copy of it");
  const auto report = relink_blocking(disk, inbox(), validity(kNew), links(found));
  EXPECT_FALSE(report.error);
  EXPECT_THAT(report.done, ElementsAre(0)) << "of two with one name nothing tells which it was";
  EXPECT_EQ(uids("101"), present());
  EXPECT_EQ(3U, disk.files("/mail/alice/cur").size());
}

TEST_F(RelinkTest, FileThatCannotBeRead_IsNoCandidate) {
  auto found = list_strangers_blocking(disk, inbox(), validity(kNew));
  disk.remove("/mail/alice/cur/1700000002.V14U2.host,S=15:2,S");
  ASSERT_TRUE(read_strangers_blocking(disk, inbox(), *found));
  EXPECT_FALSE(found->at(1).is_read);
  EXPECT_FALSE(digest_stranger_blocking(disk, inbox(), found->at(1)).value());
}

TEST(Relink, FolderWithoutDirectory_HasNoStrangers) {
  ForgetfulFileOps disk;
  EXPECT_THAT(list_strangers_blocking(disk, sent(), validity(kNew)).value(), IsEmpty());
}

// Whatever interrupts it: every message is there once, and doing it again ends where it would have.
TEST(Relink, StoppedAtEachStep_EndsInTheSameState) {
  for (const bool power : {false, true})
    for (std::size_t step = 1; step <= 16; ++step)
      for (unsigned seed = 0; seed < (power ? 5U : 1U); ++seed) {
        SCOPED_TRACE(concat("step ", step, power ? " power " : " kill ", seed));
        ForgetfulFileOps disk;
        auto folder = open(disk);
        ASSERT_FALSE(deliver(*folder, uids("1:4")).error);
        const auto relink = [&disk] {
          auto opened = open(disk);
          if (!opened) return;
          const auto scan = opened->scan_blocking(validity(kNew));
          const auto found = list_strangers_blocking(disk, inbox(), validity(kNew));
          if (!scan || !found) return;
          std::vector<Link> links;
          for (const Stranger& stranger : *found)
            if (const Uid now = uid(100 + stranger.uid.value()); !scan->present.contains(now))
              links.push_back({stranger, now, stranger.internal_date + std::chrono::hours(1)});
          static_cast<void>(relink_blocking(disk, inbox(), validity(kNew), links));
        };
        disk.crash_at(step);
        relink();
        power ? disk.cut_power(seed) : disk.kill();
        relink();
        auto again = open(disk, inbox(), "r2");
        EXPECT_EQ(uids("101:104"), again->scan_blocking(validity(kNew))->present);
        std::size_t files = 0;
        for (const char* sub : {"new", "cur"})
          for (const auto& [name, bytes] : disk.files(concat("/mail/alice/", sub))) {
            ++files;
            const auto parsed = parse_file_name(name);
            ASSERT_TRUE(parsed);
            EXPECT_EQ(disk_body(parsed->uid.value() - 100), bytes);
          }
        EXPECT_EQ(4U, files);
      }
}

} // namespace
} // namespace mailmoor::maildir
