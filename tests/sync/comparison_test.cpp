#include "sync/comparison.h"

#include "sync/fetch_again.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace mailmoor::sync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

[[nodiscard]] Uid uid(std::uint32_t value) {
  return *Uid::from(value);
}
[[nodiscard]] UidSet uids(std::string_view text) {
  return *UidSet::parse(text);
}
[[nodiscard]] FlagLetters letters(std::string_view text) {
  return FlagLetters::parse(text);
}

class Comparison : public ::testing::Test {
 protected:
  // Messages 1:n, each here as it was delivered: 100 octets on disk in 10 lines, 110 on the server.
  explicit Comparison(std::uint32_t count = 5) {
    for (std::uint32_t number = 1; number <= count; ++number) {
      there.insert_or_assign(number, ServerMessage{uid(number), letters("S"), 110});
      here.insert_or_assign(number, LocalMessage{uid(number), letters("S"), 100, 10, 100, {}, true});
      facts.base.set(uid(number), letters("S"));
    }
    facts.known = uids(concat_range(count));
  }
  [[nodiscard]] FolderFindings look() const {
    ServerListing server;
    // Servers may answer in any order.
    for (auto row = there.rbegin(); row != there.rend(); ++row)
      server.add(row->second);
    server.sort();
    LocalListing local;
    for (const auto& [number, row] : here)
      local.add(row);
    local.sort();
    return compare(server, local, facts);
  }

  std::map<std::uint32_t, ServerMessage> there = {};
  std::map<std::uint32_t, LocalMessage> here = {};
  ComparisonFacts facts;

 private:
  [[nodiscard]] static std::string concat_range(std::uint32_t count) { return "1:" + std::to_string(count); }
};

TEST_F(Comparison, FaithfulCopy_IsComplete) {
  const FolderFindings findings = look();
  EXPECT_TRUE(findings.is_complete());
  EXPECT_EQ(findings.here, 5U);
  EXPECT_THAT(findings.size_differs, IsEmpty());
  EXPECT_TRUE(findings.not_on_server.empty());
}

TEST_F(Comparison, MessageWithoutAFile_IsToldByWhatIsKnownOfIt) {
  for (const std::uint32_t number : {1U, 2U, 3U, 4U})
    here.erase(number);
  facts.known = uids("2,5");
  facts.poison = uids("3");
  facts.left_out = uids("4");
  const FolderFindings findings = look();
  EXPECT_EQ(findings.missing, uids("1"));
  EXPECT_EQ(findings.removed_here, uids("2"));
  EXPECT_EQ(findings.poison, uids("3"));
  EXPECT_EQ(findings.left_out, uids("4"));
  EXPECT_EQ(findings.here, 1U);
}

TEST_F(Comparison, EachGapAlone_MakesItIncomplete) {
  FolderFindings findings;
  EXPECT_TRUE(findings.is_complete());
  for (UidSet FolderFindings::* set :
       {&FolderFindings::missing, &FolderFindings::removed_here, &FolderFindings::poison, &FolderFindings::unreadable,
        &FolderFindings::wrong_content, &FolderFindings::not_given}) {
    (findings.*set).insert(uid(1));
    EXPECT_FALSE(findings.is_complete());
    (findings.*set).erase(uid(1));
  }
  for (UidSet FolderFindings::* set :
       {&FolderFindings::left_out, &FolderFindings::not_on_server, &FolderFindings::repaired}) {
    (findings.*set).insert(uid(1));
    EXPECT_TRUE(findings.is_complete());
  }
  findings.size_differs.push_back({1, 1, 2});
  findings.changed_here.push_back({1, "", "S"});
  findings.strangers.emplace_back("cur/x");
  EXPECT_TRUE(findings.is_complete());
  findings.unlisted = 1;
  EXPECT_FALSE(findings.is_complete());
  findings.unlisted = 0;
  findings.failed = "why";
  EXPECT_FALSE(findings.is_complete());
}

TEST_F(Comparison, FileOfAnotherSizeThanItWasDeliveredWith_IsDamaged) {
  here.at(2).size = 60;
  here.at(2).newlines = 6;
  const FolderFindings findings = look();
  EXPECT_THAT(findings.wrong_size, ElementsAre(SizeDifference{2, 60, 100}));
  EXPECT_EQ(damaged(findings), uids("2"));
}

TEST_F(Comparison, ServersSizeAlone_IsDoubtNotDamage) {
  there.at(1).size = 111; // more than each LF as CRLF makes
  there.at(2).size = 99;
  there.at(3).size = 105; // five bare LF
  there.at(4).size.reset();
  FolderFindings findings = look();
  EXPECT_TRUE(findings.is_complete());
  EXPECT_THAT(findings.size_differs, ElementsAre(SizeDifference{1, 100, 111}, SizeDifference{2, 100, 99}));
  // Nothing else says what the size is to be.
  here.at(1).claimed.reset();
  findings = look();
  EXPECT_THAT(findings.wrong_size, ElementsAre(SizeDifference{1, 100, 111}));
}

TEST_F(Comparison, FilesWithTheOctetsOfTheServer_HaveItsSize) {
  facts.is_crlf = true;
  there.at(1).size = 100;
  const FolderFindings findings = look();
  EXPECT_EQ(findings.size_differs.size(), 4U);
  EXPECT_EQ(findings.size_differs.front().uid, 2U);
}

TEST_F(Comparison, FlagsThatAReaderChanged_AreNoGap) {
  here.at(1).flags = letters("FS");
  here.at(2).flags = letters("");
  const FolderFindings findings = look();
  EXPECT_TRUE(findings.is_complete());
  EXPECT_THAT(findings.changed_here, ElementsAre(FlagDifference{1, "S", "FS"}, FlagDifference{2, "S", ""}));
}

TEST_F(Comparison, FlagsThatTheServerChanged_AreAGap) {
  there.at(1).flags = letters("FS");
  here.at(1).flags = letters("RS"); // and a reader, too
  FolderFindings findings = look();
  EXPECT_FALSE(findings.is_complete());
  EXPECT_THAT(findings.wrong_flags, ElementsAre(FlagDifference{1, "FS", "RS"}));
  EXPECT_TRUE(damaged(findings).empty());
  facts.compares_flags = false;
  EXPECT_TRUE(look().is_complete());
}

TEST_F(Comparison, WithoutABase_AFlagThatEitherHasIsToBeThere) {
  facts.base = FlagMap();
  here.at(1).flags = letters("FS");
  here.at(2).flags = letters("F");
  const FolderFindings findings = look();
  EXPECT_THAT(findings.changed_here, ElementsAre(FlagDifference{1, "S", "FS"}));
  EXPECT_THAT(findings.wrong_flags, ElementsAre(FlagDifference{2, "S", "F"}));
}

TEST_F(Comparison, Contents_AreJudgedByTheirHashes) {
  facts.wrong_content = uids("2");
  facts.not_given = uids("3");
  here.at(4).is_readable = false;
  const FolderFindings findings = look();
  EXPECT_EQ(findings.wrong_content, uids("2"));
  EXPECT_EQ(findings.not_given, uids("3"));
  EXPECT_EQ(findings.unreadable, uids("4"));
  EXPECT_EQ(damaged(findings), uids("2,4"));
}

TEST_F(Comparison, FileThatTheServerDoesNotList_IsNamed) {
  there.erase(1);
  there.erase(3);
  there.erase(5);
  const FolderFindings findings = look();
  EXPECT_TRUE(findings.is_complete());
  EXPECT_EQ(findings.not_on_server, uids("1,3,5"));
  EXPECT_EQ(findings.here, 2U);
}

TEST_F(Comparison, LookAgain_ReplacesWhatWasKnownOfTheseOnly) {
  LocalListing local;
  for (const auto& [number, row] : here)
    local.add(row);
  local.sort();
  LocalMessage mended = here.at(2);
  mended.size = 7;
  local.replace(uids("2:3"), {mended});
  EXPECT_EQ(local.uids(), uids("1:2,4:5"));
  EXPECT_EQ(local.find(uid(2))->size, 7U);
  EXPECT_EQ(local.find(uid(3)), nullptr);
}

TEST(FetchAgain, Messages_AreForgottenAndLookedForFromTheLowestOn) {
  RecordedFolder recorded;
  recorded.validity = UidValidity::from(14);
  recorded.known = uids("1:10");
  recorded.retries = {{uid(11), 3, UnixTime(std::chrono::seconds(9000)), "nothing came"},
                      {uid(12), 3, UnixTime(std::chrono::seconds(9000)), "nothing came"}};
  recorded.state = FolderState{recorded.validity, Uid::from(13), 12, ModSeq::from(77)};
  recorded.covers.flags = true;
  const UnixTime now(std::chrono::seconds(1000));
  recorded.listed_in_full = now;
  const FolderFacts facts = fetch_again(recorded, uids("4,7,11"), now);
  RecordedFolder after = recorded;
  facts.apply_to(after);
  EXPECT_EQ(after.known, uids("1:3,5:6,8:10"));
  EXPECT_EQ(due(after.retries, now), uids("11"));
  EXPECT_EQ(after.retries[0].strikes, 3U) << "its schedule goes on";
  EXPECT_EQ(after.covers, recorded.covers);

  // A restart in between finds the same: what matters is in the record.
  for (const Wants wants : {Wants{}, Wants{true, false}, Wants{true, true}}) {
    const FolderState server{recorded.validity, Uid::from(13), 12, std::nullopt};
    const FolderPlan plan = plan_folder(after, server, now, wants);
    ASSERT_EQ(plan.action, FolderPlan::Action::kLook);
    ASSERT_TRUE(plan.list_from);
    EXPECT_LE(plan.list_from->value(), 4U);
    const UidSet rows = uids("4:12");
    const FetchWork work = what_to_fetch(after, plan, rows, /*complete=*/true);
    EXPECT_EQ(work.wanted, uids("4,7"));
    EXPECT_EQ(work.alone, uids("11"));
  }
}

TEST(FetchAgain, NothingToFetch_ChangesNothing) {
  RecordedFolder recorded;
  recorded.validity = UidValidity::from(14);
  recorded.state = FolderState{recorded.validity, Uid::from(13), 12, ModSeq::from(77)};
  EXPECT_TRUE(fetch_again(recorded, {}, UnixTime()).empty());
}

} // namespace
} // namespace mailmoor::sync
