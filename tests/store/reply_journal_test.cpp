#include "store/reply_journal.h"
#include "store/test_files.h"
#include "support/full_disk.h"

#include <gmock/gmock.h>

namespace mailmoor::store {
namespace {

using ::testing::HasSubstr;

[[nodiscard]] JournalEntry entry(std::uint64_t id, std::string_view token_id, std::string_view sealed) {
  JournalEntry made;
  made.id = id;
  made.token_id = token_id;
  made.sealed = sealed;
  return made;
}
[[nodiscard]] std::vector<std::string> sealed_in(const JournalContent& content) {
  std::vector<std::string> out;
  for (const JournalEntry& found : content.entries)
    out.push_back(found.sealed);
  return out;
}

const std::vector<std::string> kSealed = {"first answer", "second", "the third one"};

[[nodiscard]] std::vector<std::string> records() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kSealed.size(); ++i)
    out.push_back(encode_record(entry(i + 1, "app/alice", kSealed[i])));
  return out;
}

TEST(JournalFormatTest, Record_IsPinned) {
  const std::string record = encode_record(entry(0x0102030405060708, "a/b", "SEALED"));
  EXPECT_EQ(std::string("MMj1\0\0\0\x13", 8), record.substr(0, 8));
  EXPECT_EQ(std::string("\x01\x02\x03\x04\x05\x06\x07\x08\0\x03"
                        "a/bSEALED",
                        19),
            record.substr(16));
  const JournalContent content = decode_journal(record);
  ASSERT_EQ(1U, content.entries.size());
  EXPECT_EQ(0x0102030405060708U, content.entries[0].id);
  EXPECT_EQ("a/b", content.entries[0].token_id);
  EXPECT_EQ("SEALED", content.entries[0].sealed);
}

TEST(JournalFormatTest, EveryPrefix_GivesTheWholeRecordsAndATail) {
  const std::vector<std::string> all = records();
  const std::string bytes = all[0] + all[1] + all[2];
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const JournalContent content = decode_journal(std::string_view(bytes).substr(0, size));
    std::size_t whole = 0;
    std::size_t end = 0;
    while (whole < all.size() && end + all[whole].size() <= size)
      end += all[whole++].size();
    EXPECT_EQ(whole, content.entries.size()) << size;
    EXPECT_EQ(size - end, content.damaged_tail) << size;
    EXPECT_EQ(0U, content.damaged_inside) << size;
  }
}

TEST(JournalFormatTest, EveryFlippedBit_CostsItsOwnRecordOnly) {
  const std::vector<std::string> all = records();
  const std::string bytes = all[0] + all[1] + all[2];
  for (std::size_t bit = all[0].size() * 8; bit < (all[0].size() + all[1].size()) * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const JournalContent content = decode_journal(damaged);
    EXPECT_EQ((std::vector{kSealed[0], kSealed[2]}), sealed_in(content)) << bit;
    EXPECT_EQ(all[1].size(), content.damaged_inside) << bit;
  }
}

TEST(JournalFormatTest, PowerCut_LeavesWhatWasSyncedWhateverTheTailHolds) {
  const std::vector<std::string> all = records();
  for (const std::string& tail : {std::string(300, '\0'), std::string("MMj1MMj1MMj1"), all[1].substr(3),
                                  all[1].substr(0, 20) + std::string(40, '\0'), std::string("MMj1\xFF\xFF\xFF\xFF")}) {
    const JournalContent content = decode_journal(all[0] + tail);
    EXPECT_EQ(std::vector{kSealed[0]}, sealed_in(content));
    EXPECT_EQ(tail.size(), content.damaged_tail);
  }
}

class ReplyJournalTest : public InDirectory {
 protected:
  [[nodiscard]] ReplyJournal open() { return ReplyJournal::open_blocking(path("courier.journal")).value(); }
};

TEST_F(ReplyJournalTest, Append_IsReadByTheNextOwner) {
  ASSERT_TRUE(run_and_die([&] {
    ReplyJournal journal = open();
    die(journal.try_lock_blocking().value() && journal.reserve_blocking(1) &&
        journal.append_blocking(entry(1, "app/alice", "one")) && journal.append_blocking(entry(2, "app/bob", "two")));
  }));
  ReplyJournal journal = open();
  EXPECT_TRUE(journal.try_lock_blocking().value());
  EXPECT_EQ((std::vector<std::string>{"one", "two"}), sealed_in(decode_journal(journal.read_blocking().value())));
  ASSERT_TRUE(journal.clear_blocking());
  EXPECT_EQ("", journal.read_blocking().value());
  ASSERT_TRUE(journal.append_blocking(entry(3, "app/alice", "three")));
  EXPECT_EQ(std::vector<std::string>{"three"}, sealed_in(decode_journal(read_file(path("courier.journal")))));
}

TEST_F(ReplyJournalTest, Lock_IsOnePersons) {
  ReplyJournal first = open();
  ReplyJournal second = open();
  EXPECT_TRUE(first.try_lock_blocking().value());
  EXPECT_FALSE(second.try_lock_blocking().value());
  // What the courier does: its duplicate keeps the lock when the daemon's is closed.
  std::optional<ReplyJournal> handed_over(std::in_place, UniqueFd(::dup(first.descriptor())), first.path());
  first = open();
  EXPECT_FALSE(second.try_lock_blocking().value());
  handed_over.reset();
  EXPECT_TRUE(second.try_lock_blocking().value());
}

TEST_F(ReplyJournalTest, FullDisk_RefusesAndKeepsWhatIsThere) {
  ReplyJournal journal = open();
  ASSERT_TRUE(journal.append_blocking(entry(1, "app/alice", "one")));
  {
    const testing::FullDisk full;
    const Status appended = journal.append_blocking(entry(2, "app/alice", "two"));
    ASSERT_FALSE(appended);
    EXPECT_EQ("courier_journal_unusable", appended.error().code);
    EXPECT_EQ(ErrorKind::kHost, appended.error().kind) << "it is tried again soon, without a person";
  }
  ASSERT_TRUE(journal.append_blocking(entry(3, "app/alice", "three")));
  EXPECT_EQ((std::vector<std::string>{"one", "three"}), sealed_in(decode_journal(journal.read_blocking().value())));
}

TEST_F(ReplyJournalTest, TooManyUnsettledAnswers_LeaveNoRoomForMore) {
  const ReplyJournal journal = open();
  EXPECT_TRUE(journal.reserve_blocking(32));
  const Status reserved = journal.reserve_blocking(kMaxJournal / kMaxJournalRecord);
  ASSERT_FALSE(reserved);
  EXPECT_THAT(reserved.error().what, HasSubstr("full of answers"));
}

TEST_F(ReplyJournalTest, SetAside_AddsToTheFileBeside) {
  const ReplyJournal journal = open();
  ASSERT_TRUE(journal.set_aside_blocking("abc"));
  ASSERT_TRUE(journal.set_aside_blocking("def"));
  EXPECT_EQ("abcdef", read_file(path("courier.journal.set-aside")));
}

TEST_F(ReplyJournalTest, MissingDirectory_SaysWhichFile) {
  const auto journal = ReplyJournal::open_blocking(path("none/courier.journal"));
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().what, HasSubstr("none/courier.journal: No such file"));
}

} // namespace
} // namespace mailmoor::store
