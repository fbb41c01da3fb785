#include "store/state_repository.h"

#include "store/migrations.h"
#include "store/test_files.h"
#include "util/concat.h"

namespace mailmoor::store {
namespace {

constexpr UnixTime kNow{std::chrono::seconds(1'700'000'000)};
const UidValidity kValidity = UidValidity::from(77).value();

[[nodiscard]] UidSet uids(std::string_view text) {
  return UidSet::parse(text).value();
}
[[nodiscard]] MailboxRecord after_failures(int failures, std::string reason = {}) {
  MailboxRecord record;
  record.failures = failures;
  record.retry_reason = std::move(reason);
  return record;
}
[[nodiscard]] Uid uid(std::uint32_t value) {
  return Uid::from(value).value();
}

class StateRepositoryTest : public InDirectory {
 protected:
  [[nodiscard]] StateRepository open() const {
    return StateRepository::open_blocking(path("state.db"), kNow).value().repository;
  }
  // The only folder of the mailbox.
  [[nodiscard]] static StoredFolder load_folder(StateRepository& state, std::string_view mailbox = "alice") {
    auto stored = state.load_mailbox_blocking(mailbox);
    EXPECT_TRUE(stored && stored->folders.size() == 1);
    return std::move(stored->folders.at(0));
  }

  FolderName inbox_ = FolderName::inbox();
};

[[nodiscard]] FolderRecord make_folder(FolderName name, std::string_view known) {
  FolderRecord record{
      .name = std::move(name), .uid_validity = kValidity, .last_state = {}, .known = uids(known), .last_sync = kNow};
  record.last_state.uid_validity = UidValidity::from(4294967295);
  record.last_state.uid_next = Uid::from(4294967295);
  record.last_state.messages = 4294967295;
  record.last_state.highest_mod_seq = ModSeq::from(9223372036854775807U);
  return record;
}

TEST_F(StateRepositoryTest, Mailbox_ComesBackToTheMillisecond) {
  const MailboxRecord record{.failures = 3,
                             .failures_for_someone = 2,
                             .times_over_quota = 5,
                             .retry_at = UnixMillis(std::chrono::milliseconds(1'700'000'000'123)),
                             .retry_imposed = true,
                             .retry_reason = "the server said: 123 ms",
                             .error_code = "throttled",
                             .last_sync = kNow,
                             .paused = true};
  {
    auto state = open();
    ASSERT_TRUE(state.save_mailbox_blocking("alice", MailboxRecord{}));
    ASSERT_TRUE(state.save_mailbox_blocking("alice", record));
  }
  auto state = open();
  EXPECT_EQ(state.load_mailbox_blocking("alice")->record, record);
  EXPECT_EQ(state.load_mailbox_blocking("unknown")->record, MailboxRecord{});
  ASSERT_TRUE(state.save_mailbox_blocking("alice", MailboxRecord{}));
  EXPECT_EQ(state.load_mailbox_blocking("alice")->record, MailboxRecord{}) << "optional times can be taken back";
  EXPECT_EQ(state.list_mailboxes_blocking(), std::vector<std::string>{"alice"});
}

TEST_F(StateRepositoryTest, Folders_ComeBackWithNamesOfAnyBytes) {
  const FolderRecord odd = make_folder(FolderName::from_wire("caf\xE9/\xFF", '\0'), "1:4,7,9:12");
  const FolderRecord inbox = make_folder(inbox_, "");
  {
    auto state = open();
    ASSERT_TRUE(state.save_folder_blocking("alice", odd));
    ASSERT_TRUE(state.save_folder_blocking("alice", inbox));
    ASSERT_TRUE(state.save_folder_blocking("bob", make_folder(inbox_, "5")));
  }
  auto state = open();
  const auto alice = state.load_mailbox_blocking("alice");
  ASSERT_TRUE(alice);
  ASSERT_EQ(alice->folders.size(), 2U);
  EXPECT_EQ(alice->folders[0].record, inbox);
  EXPECT_EQ(alice->folders[1].record, odd);
  EXPECT_EQ(alice->folders[1].record.name.delimiter(), '\0');
  EXPECT_EQ(alice->folders[0].record.name.delimiter(), '/');
  EXPECT_EQ(load_folder(state, "bob").record.known.to_string(), "5");
}

TEST_F(StateRepositoryTest, Delivered_AddsToTheKnownSetAndEndsRetries) {
  auto state = open();
  ASSERT_TRUE(state.save_retry_blocking("alice", inbox_, {uid(5), 1, kNow, "cut off"}));
  ASSERT_TRUE(state.save_retry_blocking("alice", inbox_, {uid(9), 1, kNow, "cut off"}));
  ASSERT_TRUE(state.add_delivered_blocking("alice", inbox_, kValidity, uids("1:5")));
  ASSERT_TRUE(state.add_delivered_blocking("alice", inbox_, kValidity, uids("6,8")));
  const StoredFolder folder = load_folder(state);
  EXPECT_EQ(folder.record.known.to_string(), "1:6,8");
  EXPECT_EQ(folder.record.uid_validity, kValidity);
  ASSERT_EQ(folder.retries.size(), 1U);
  EXPECT_EQ(folder.retries[0].uid, uid(9));
}

TEST_F(StateRepositoryTest, OtherUidValidity_IsRefusedByDeliveredAndReplacedBySave) {
  auto state = open();
  ASSERT_TRUE(state.save_folder_blocking("alice", make_folder(inbox_, "1:5")));
  ASSERT_TRUE(state.save_retry_blocking("alice", inbox_, {uid(9), 1, kNow, "cut off"}));
  const auto refused = state.add_delivered_blocking("alice", inbox_, UidValidity::from(78).value(), uids("6"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "uid_validity_mismatch");
  EXPECT_EQ(refused.error().kind, ErrorKind::kFolder);
  EXPECT_EQ(load_folder(state).record.known.to_string(), "1:5");
  EXPECT_EQ(load_folder(state).retries.size(), 1U);

  FolderRecord renumbered = make_folder(inbox_, "100:104");
  renumbered.uid_validity = UidValidity::from(78);
  ASSERT_TRUE(state.save_folder_blocking("alice", renumbered));
  EXPECT_EQ(load_folder(state).record, renumbered);
  EXPECT_TRUE(load_folder(state).retries.empty()) << "they named messages of the old numbering";
}

TEST_F(StateRepositoryTest, FolderState_IsSavedWithoutTouchingTheKnownSet) {
  auto state = open();
  ASSERT_TRUE(state.save_folder_blocking("alice", make_folder(inbox_, "1:5")));
  FolderState seen;
  seen.uid_validity = UidValidity::from(78);
  seen.messages = 9;
  ASSERT_TRUE(state.save_outcome_blocking("alice", inbox_, {seen, 0, std::nullopt, kNow}));
  const FolderRecord record = load_folder(state).record;
  EXPECT_EQ(record.last_state, seen);
  EXPECT_EQ(record.last_sync, kNow);
  EXPECT_EQ(record.uid_validity, kValidity);
  EXPECT_EQ(record.known.to_string(), "1:5");
}

TEST_F(StateRepositoryTest, Retries_AreKeptByUid) {
  auto state = open();
  const RetryRecord second{uid(7), 2, kNow + std::chrono::hours(1), "refused again"};
  ASSERT_TRUE(state.save_retry_blocking("alice", inbox_, {uid(9), 1, kNow, "refused"}));
  ASSERT_TRUE(state.save_retry_blocking("alice", inbox_, {uid(7), 1, kNow, "refused"}));
  ASSERT_TRUE(state.save_retry_blocking("alice", inbox_, second));
  const auto retries = load_folder(state).retries;
  ASSERT_EQ(retries.size(), 2U);
  EXPECT_EQ(retries[0], second);
  ASSERT_TRUE(state.erase_retry_blocking("alice", inbox_, uid(7)));
  ASSERT_TRUE(state.erase_retry_blocking("alice", inbox_, uid(8))) << "nothing to erase is no error";
  EXPECT_EQ(load_folder(state).retries.size(), 1U);
}

TEST_F(StateRepositoryTest, Forgotten_TakesAllThatBelongsToIt) {
  {
    auto state = open();
    for (const std::string_view mailbox : {"alice", "bob"}) {
      ASSERT_TRUE(state.save_folder_blocking(mailbox, make_folder(inbox_, "1:5")));
      ASSERT_TRUE(state.save_retry_blocking(mailbox, inbox_, {uid(9), 1, kNow, "cut off"}));
    }
    ASSERT_TRUE(state.forget_mailbox_blocking("alice"));
    EXPECT_TRUE(state.load_mailbox_blocking("alice")->folders.empty());
    EXPECT_EQ(load_folder(state, "bob").record.known.to_string(), "1:5");
    ASSERT_TRUE(state.forget_folder_blocking("bob", inbox_));
    EXPECT_TRUE(state.load_mailbox_blocking("bob")->folders.empty());
  }
  auto database = Database::open_blocking({.path = path("state.db")}).value();
  EXPECT_EQ(database.query_number_blocking("SELECT (SELECT count(*) FROM delivered) + (SELECT count(*) FROM retry)"),
            0);
}

TEST_F(StateRepositoryTest, RenamedFolder_TakesAllThatIsRecordedOfIt) {
  const FolderName before = FolderName::from_wire("Old", '/');
  const FolderName now = FolderName::from_wire("New.name", '.');
  FlagMap flags;
  flags.set(uid(2), FlagLetters::parse("S"));
  auto state = open();
  ASSERT_TRUE(state.save_folder_blocking("alice", make_folder(before, "1:5")));
  ASSERT_TRUE(state.set_flags_blocking("alice", before, flags));
  ASSERT_TRUE(state.save_retry_blocking("alice", before, {uid(9), 1, kNow, "did not come"}));
  ASSERT_TRUE(state.save_folder_blocking("alice", make_folder(now, "7:9")));
  ASSERT_TRUE(state.save_folder_blocking("bob", make_folder(before, "3")));
  ASSERT_TRUE(state.rename_folder_blocking("alice", before, now, "/mail/alice/.New"));
  FolderRecord expected = make_folder(now, "1:5");
  expected.directory = "/mail/alice/.New";
  const StoredFolder stored = load_folder(state);
  EXPECT_EQ(stored.record, expected);
  EXPECT_EQ(stored.record.name.delimiter(), '.');
  EXPECT_EQ(stored.retries.size(), 1U);
  EXPECT_EQ(state.load_flags_blocking("alice", now).value(), flags);
  EXPECT_EQ(load_folder(state, "bob").record.name, before) << "another mailbox's";
  ASSERT_TRUE(state.rename_folder_blocking("alice", before, now, "/mail/alice/.New")) << "again: nothing";
  EXPECT_EQ(load_folder(state).record, expected);
  const auto refused =
      state.rename_folder_blocking("alice", now, FolderName::from_wire(std::string(5000, 'x'), '/'), "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "folder_name_too_long");
}

TEST_F(StateRepositoryTest, Renumberings_OutliveTheRecordThatTheyReplace) {
  auto state = open();
  ASSERT_TRUE(state.save_folder_blocking("alice", make_folder(inbox_, "1:5")));
  EXPECT_EQ(load_folder(state).record.renumbered_at, std::nullopt);
  ASSERT_TRUE(state.save_renumberings_blocking("alice", inbox_, 3, kNow));
  FolderRecord anew = make_folder(inbox_, "1");
  anew.uid_validity = UidValidity::from(78);
  ASSERT_TRUE(state.save_folder_blocking("alice", anew));
  anew.renumberings = 3;
  anew.renumbered_at = kNow;
  EXPECT_EQ(load_folder(state).record, anew);
}

TEST_F(StateRepositoryTest, CorruptDatabase_IsSetAsideAndANewOneMade) {
  ASSERT_TRUE(open().save_mailbox_blocking("alice", after_failures(3)));
  ASSERT_NO_FATAL_FAILURE(write_file(path("state.db"), std::string(8192, 'g')));
  ASSERT_NO_FATAL_FAILURE(write_file(path("state.db-wal"), "spoilt, too"));
  {
    auto opened = StateRepository::open_blocking(path("state.db"), kNow);
    ASSERT_TRUE(opened) << opened.error().what;
    EXPECT_EQ(opened->set_aside, path("state.db.corrupt-1700000000"));
    EXPECT_EQ(opened->repository.load_mailbox_blocking("alice")->record, MailboxRecord{});
    ASSERT_TRUE(opened->repository.save_mailbox_blocking("alice", after_failures(1)));
  }
  EXPECT_TRUE(read_file(path("state.db.corrupt-1700000000")) == std::string(8192, 'g'));
  EXPECT_EQ(read_file(path("state.db.corrupt-1700000000-wal")), "spoilt, too");
  auto again = StateRepository::open_blocking(path("state.db"), kNow);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->set_aside, "");
  EXPECT_EQ(again->repository.load_mailbox_blocking("alice")->record, after_failures(1));
}

TEST_F(StateRepositoryTest, OtherTablesThanItsVersionSays_IsSetAsideAndANewOneMade) {
  UnixTime now = kNow;
  for (const char* spoil : {"DROP TABLE delivered", "ALTER TABLE folder DROP COLUMN held", "PRAGMA user_version=1",
                            "ALTER TABLE mailbox RENAME TO post"}) {
    ASSERT_TRUE(open().save_mailbox_blocking("alice", after_failures(3)));
    ASSERT_TRUE(Database::open_blocking({.path = path("state.db")})->run_blocking(spoil));
    now += std::chrono::seconds(1);
    auto opened = StateRepository::open_blocking(path("state.db"), now);
    ASSERT_TRUE(opened) << spoil << ": " << opened.error().what;
    EXPECT_NE(opened->set_aside, "") << spoil;
    EXPECT_EQ(opened->repository.load_mailbox_blocking("alice")->record, MailboxRecord{});
    EXPECT_TRUE(opened->repository.save_mailbox_blocking("alice", after_failures(1)));
  }
}

TEST_F(StateRepositoryTest, DatabaseCutShort_IsSetAside) {
  ASSERT_TRUE(open().save_mailbox_blocking("alice", after_failures(3)));
  const std::string whole = read_file(path("state.db"));
  ASSERT_GT(whole.size(), 8192U);
  for (const std::size_t left : {whole.size() - 4096, whole.size() / 2, std::size_t{100}}) {
    ASSERT_NO_FATAL_FAILURE(write_file(path("state.db"), whole.substr(0, left)));
    auto opened = StateRepository::open_blocking(path("state.db"), kNow + std::chrono::seconds(left));
    ASSERT_TRUE(opened) << left << ": " << opened.error().what;
    EXPECT_NE(opened->set_aside, "") << left;
  }
  // Nothing in it: as good as none.
  ASSERT_NO_FATAL_FAILURE(write_file(path("state.db"), ""));
  auto opened = StateRepository::open_blocking(path("state.db"), kNow);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->set_aside, "");
  EXPECT_EQ(opened->repository.load_mailbox_blocking("alice")->record, MailboxRecord{});
}

TEST_F(StateRepositoryTest, NewerDatabase_IsRefusedAndNotSetAside) {
  ASSERT_TRUE(open().list_mailboxes_blocking());
  ASSERT_TRUE(Database::open_blocking({.path = path("state.db")})->run_blocking("PRAGMA user_version=99"));
  const auto before = snapshot();
  EXPECT_EQ(StateRepository::open_blocking(path("state.db"), kNow).error().code, "database_too_new");
  EXPECT_TRUE(is_as(before));
}

TEST_F(StateRepositoryTest, Bounds_Hold) {
  {
    auto state = open();
    std::string euros; // 3 bytes each: the cut falls into one
    for (int i = 0; i < 1000; ++i)
      euros += "\u20AC";
    ASSERT_TRUE(state.save_mailbox_blocking("alice", after_failures(1, euros)));
    EXPECT_EQ(state.load_mailbox_blocking("alice")->record.retry_reason, euros.substr(0, 999));
    const FolderName long_name = FolderName::from_wire(std::string(StateRepository::kMaxFolderName + 1, 'n'), '/');
    EXPECT_EQ(state.add_delivered_blocking("alice", long_name, kValidity, uids("1")).error().code,
              "folder_name_too_long");
    ASSERT_TRUE(state.save_folder_blocking("alice", make_folder(inbox_, "")));
  }
  ASSERT_TRUE(Database::open_blocking({.path = path("state.db")})
                  ->run_blocking(concat("INSERT INTO retry SELECT folder_id, i, 1, 0, '' FROM folder, (WITH RECURSIVE"
                                        " n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ",
                                        StateRepository::kMaxRetriesPerFolder, ") SELECT i FROM n)")));
  auto state = open();
  EXPECT_EQ(state.save_retry_blocking("alice", inbox_, {uid(4'000'000), 1, kNow, ""}).error().code, "too_many_retries");
  EXPECT_TRUE(state.save_retry_blocking("alice", inbox_, {uid(1), 2, kNow, ""})) << "one that is there may change";
  EXPECT_EQ(load_folder(state).retries.size(), StateRepository::kMaxRetriesPerFolder);
}

} // namespace
} // namespace mailmoor::store
