#include "model/gmail.h"

#include "store/state_repository.h"
#include "store/test_files.h"

#include <gmock/gmock.h>

namespace mailmoor::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GmailMessages : public InDirectory {
 protected:
  [[nodiscard]] StateRepository open() {
    return StateRepository::open_blocking(path("state.db"), UnixTime()).value().repository;
  }
  [[nodiscard]] static UidSet uids(std::string_view text) { return *UidSet::parse(text); }
  [[nodiscard]] static UidValidity validity(std::uint32_t value) { return *UidValidity::from(value); }
  [[nodiscard]] static GmailMessage message(std::uint32_t uid, std::uint64_t id) {
    return {*Uid::from(uid), *GmailId::from(id)};
  }
  [[nodiscard]] static GmailCopy copy(const GmailMessage& message, const FolderName& folder, std::uint32_t validity) {
    return {message.id, folder.wire(), *UidValidity::from(validity), message.uid};
  }
  // Folders with their UIDVALIDITY: what a first pass records before anything else.
  void begin(StateRepository& state, const FolderName& folder, std::uint32_t validity,
             std::string_view mailbox = "alice") const {
    ASSERT_TRUE(state.save_folder_blocking(mailbox, {folder, *UidValidity::from(validity), {}, {}, {}}));
  }

  const FolderName inbox_ = FolderName::inbox();
  const FolderName all_ = FolderName::from_wire("[Gmail]/Entw&APw-rfe", '/');
};

TEST_F(GmailMessages, WhatIsIdentified_IsFoundFromOtherFoldersAfterARestart) {
  const std::uint64_t highest = ~std::uint64_t{0};
  {
    StateRepository state = open();
    begin(state, inbox_, 1);
    begin(state, all_, 11);
    EXPECT_THAT(*state.identify_blocking("alice", inbox_, validity(1), {message(3, 77), message(4, highest)}),
                IsEmpty());
    EXPECT_THAT(
        *state.identify_blocking("alice", all_, validity(11), {message(9, highest), message(10, 1), message(11, 77)}),
        ElementsAre(copy(message(4, highest), inbox_, 1), copy(message(3, 77), inbox_, 1)));
  }
  StateRepository state = open();
  EXPECT_EQ(state.load_identified_blocking("alice", all_), uids("9:11"));
  EXPECT_THAT(*state.identify_blocking("alice", inbox_, validity(1), {message(5, highest)}),
              ElementsAre(copy(message(9, highest), all_, 11)))
      << "of its own folder there is none";
}

TEST_F(GmailMessages, WhatIsIdentified_IsFoundByItsUid) {
  StateRepository state = open();
  begin(state, inbox_, 1);
  begin(state, all_, 11);
  ASSERT_TRUE(state.identify_blocking("alice", inbox_, validity(1), {message(3, 77), message(4, ~0ULL)}));
  ASSERT_TRUE(
      state.identify_blocking("alice", all_, validity(11), {message(9, ~0ULL), message(10, 1), message(12, 77)}));
  EXPECT_THAT(*state.load_pairs_blocking("alice", all_, uids("9:11")),
              ElementsAre(GmailPair{*Uid::from(9), copy(message(4, ~0ULL), inbox_, 1)}));
  EXPECT_THAT(*state.load_pairs_blocking("alice", inbox_, uids("1,3:4")),
              ElementsAre(GmailPair{*Uid::from(3), copy(message(12, 77), all_, 11)},
                          GmailPair{*Uid::from(4), copy(message(9, ~0ULL), all_, 11)}));
  EXPECT_THAT(*state.load_pairs_blocking("bob", all_, uids("9:11")), IsEmpty());
}

TEST_F(GmailMessages, OtherMailbox_HasNothingInCommon) {
  StateRepository state = open();
  begin(state, inbox_, 1);
  begin(state, inbox_, 1, "bob");
  ASSERT_TRUE(state.identify_blocking("alice", inbox_, validity(1), {message(1, 7)}));
  EXPECT_THAT(*state.identify_blocking("bob", inbox_, validity(1), {message(1, 7)}), IsEmpty());
  ASSERT_TRUE(state.forget_copies_blocking("bob", inbox_, uids("1")));
  EXPECT_EQ(state.load_identified_blocking("alice", inbox_), uids("1"));
}

TEST_F(GmailMessages, AnotherUidvalidity_ForgetsAndRecordsNothingOfTheOldOne) {
  StateRepository state = open();
  begin(state, inbox_, 1);
  ASSERT_TRUE(state.identify_blocking("alice", inbox_, validity(1), {message(1, 7)}));
  begin(state, inbox_, 2);
  EXPECT_EQ(state.load_identified_blocking("alice", inbox_), UidSet());
  EXPECT_THAT(*state.identify_blocking("alice", inbox_, validity(1), {message(1, 7)}), IsEmpty());
  EXPECT_EQ(state.load_identified_blocking("alice", inbox_), UidSet());
  EXPECT_EQ(state.load_identified_blocking("alice", all_), UidSet()) << "a folder that is not recorded";
}

TEST_F(GmailMessages, MessageThatIsRemoved_IsNoCopyAnyMore) {
  StateRepository state = open();
  begin(state, inbox_, 1);
  begin(state, all_, 11);
  ASSERT_TRUE(state.identify_blocking("alice", inbox_, validity(1), {message(1, 7), message(2, 8)}));
  ASSERT_TRUE(state.remove_delivered_blocking("alice", inbox_, uids("1")));
  EXPECT_THAT(*state.identify_blocking("alice", all_, validity(11), {message(1, 7), message(2, 8)}),
              ElementsAre(copy(message(2, 8), inbox_, 1)));
}

TEST_F(GmailMessages, ForgottenCopies_AreFoundNowhere) {
  StateRepository state = open();
  begin(state, inbox_, 1);
  begin(state, all_, 11);
  ASSERT_TRUE(state.identify_blocking("alice", inbox_, validity(1), {message(1, 7), message(2, 8), message(3, 9)}));
  ASSERT_TRUE(state.identify_blocking("alice", all_, validity(11), {message(21, 7), message(22, 8), message(23, 9)}));
  ASSERT_TRUE(state.forget_copies_blocking("alice", inbox_, uids("1:2")));
  EXPECT_EQ(state.load_identified_blocking("alice", inbox_), uids("3"));
  EXPECT_EQ(state.load_identified_blocking("alice", all_), uids("23"));
}

TEST_F(GmailMessages, FolderThatIsRenamedOrForgotten_TakesThemAlong) {
  StateRepository state = open();
  begin(state, inbox_, 1);
  begin(state, all_, 11);
  const FolderName renamed = FolderName::from_wire("Archive", '/');
  ASSERT_TRUE(state.identify_blocking("alice", all_, validity(11), {message(21, 7)}));
  ASSERT_TRUE(state.rename_folder_blocking("alice", all_, renamed, "/mail/alice/.Archive"));
  EXPECT_THAT(*state.identify_blocking("alice", inbox_, validity(1), {message(1, 7)}),
              ElementsAre(copy(message(21, 7), renamed, 11)));
  ASSERT_TRUE(state.forget_folder_blocking("alice", renamed));
  EXPECT_THAT(*state.identify_blocking("alice", inbox_, validity(1), {message(1, 7)}), IsEmpty());
}

TEST_F(GmailMessages, ManyCopies_AreNotAllTold) {
  StateRepository state = open();
  begin(state, inbox_, 1);
  begin(state, all_, 11);
  std::vector<GmailMessage> same;
  for (std::uint32_t uid = 1; uid <= 1000; ++uid)
    same.push_back(message(uid, 7));
  ASSERT_TRUE(state.identify_blocking("alice", all_, validity(11), same));
  EXPECT_EQ(state.identify_blocking("alice", inbox_, validity(1), {message(1, 7)})->size(),
            std::size_t{StateRepository::kMaxCopies});
}

TEST_F(GmailMessages, LabelsThatAreHidden_AreThereAfterARestartAndGoWithTheirMailbox) {
  const std::string octets("R\xE4tsel/&\0x", 10);
  {
    StateRepository state = open();
    EXPECT_THAT(state.load_mailbox_blocking("alice")->gmail_labels, IsEmpty());
    ASSERT_TRUE(state.save_gmail_labels_blocking("alice", {"Bills", "\\All"}));
    ASSERT_TRUE(state.save_gmail_labels_blocking("alice", {"\\Sent", octets, octets}));
    ASSERT_TRUE(state.save_gmail_labels_blocking("bob", {"Bills"}));
  }
  StateRepository state = open();
  EXPECT_THAT(state.load_mailbox_blocking("alice")->gmail_labels, ElementsAre(octets, "\\Sent"));
  ASSERT_TRUE(state.save_gmail_labels_blocking("alice", {}));
  EXPECT_THAT(state.load_mailbox_blocking("alice")->gmail_labels, IsEmpty());
  ASSERT_TRUE(state.forget_mailbox_blocking("bob"));
  EXPECT_THAT(state.load_mailbox_blocking("bob")->gmail_labels, IsEmpty());
}

} // namespace
} // namespace mailmoor::store
