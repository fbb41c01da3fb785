#include "sync/gmail_labels.h"

#include <gmock/gmock.h>

namespace mailmoor::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

[[nodiscard]] ListedFolder folder(std::string_view wire, std::vector<std::string> attributes = {}) {
  return {FolderName::from_wire(wire, '/'), std::move(attributes)};
}
[[nodiscard]] std::vector<std::string> hidden(const GmailLabels& labels, const FolderRules& rules = {}) {
  std::vector<std::string> names;
  for (const HiddenLabel& label : labels.hidden(rules))
    names.push_back(label.name.utf8());
  return names;
}

TEST(GmailLabels, AllMail_IsKnownByItsAttribute) {
  GmailLabels labels;
  EXPECT_EQ(labels.all_mail(), std::nullopt);
  labels.listed({folder("INBOX"), folder("[Google Mail]", {"\\Noselect"}),
                 folder("[Google Mail]/Alle Nachrichten", {"\\HasNoChildren", "\\all"})});
  EXPECT_EQ(labels.all_mail(), "[Google Mail]/Alle Nachrichten");
  labels.listed({folder("INBOX")});
  EXPECT_EQ(labels.all_mail(), std::nullopt) << "hidden since";
}

TEST(GmailLabels, LabelWithoutAFolder_IsHiddenUntilItIsShown) {
  GmailLabels labels;
  labels.listed({folder("INBOX"), folder("Work"), folder("Entw&APw-rfe")});
  labels.seen({"\\Inbox", "Work", "Entw&APw-rfe"});
  EXPECT_THAT(hidden(labels), IsEmpty());
  labels.seen({"Secret/M&APw-nchen", "Bills"});
  labels.seen({"Bills"});
  EXPECT_THAT(hidden(labels), ElementsAre("Bills", "Secret/München"));
  labels.listed({folder("INBOX"), folder("Work"), folder("Bills")});
  EXPECT_THAT(hidden(labels), ElementsAre("Entwürfe", "Secret/München"));
}

TEST(GmailLabels, SystemLabels_AreFoldersByTheirAttributes) {
  GmailLabels labels;
  labels.listed(
      {folder("INBOX"), folder("[Gmail]/Gesendet", {"\\Sent"}), folder("[Gmail]/Entw&APw-rfe", {"\\Drafts"})});
  labels.seen({"\\Inbox", "\\Sent", "\\Draft", "\\Starred", "\\Important", "\\Muted", ""});
  EXPECT_THAT(hidden(labels), IsEmpty());
  labels.listed({folder("INBOX"), folder("Sent")});
  EXPECT_THAT(hidden(labels), ElementsAre("Draft", "Sent")) << "a label that is called so is another one";
}

TEST(GmailLabels, Hidden_CanBeSeenAgainAsItWas) {
  GmailLabels labels;
  labels.listed({folder("INBOX")});
  labels.seen({"\\Sent", "Secret/M&APw-nchen"});
  GmailLabels later;
  later.listed({folder("INBOX")});
  for (const HiddenLabel& label : labels.hidden({}))
    later.seen({label.label});
  EXPECT_EQ(labels.hidden({}), later.hidden({}));
  EXPECT_THAT(hidden(later), ElementsAre("Secret/München", "Sent"));
}

TEST(GmailLabels, WhatTheConfigurationLeavesOut_IsNotMissed) {
  GmailLabels labels;
  labels.listed({folder("INBOX")});
  labels.seen({"Bills", "Work", "Work/Old"});
  FolderRules rules;
  rules.exclude = {*Glob::parse("Work*")};
  EXPECT_THAT(hidden(labels, rules), ElementsAre("Bills"));
}

TEST(GmailLabels, EndlessLabels_AreNotRemembered) {
  GmailLabels labels;
  for (std::size_t i = 0; i < GmailLabels::kMaxLabels + 100; ++i)
    labels.seen({std::to_string(i)});
  EXPECT_EQ(hidden(labels).size(), GmailLabels::kMaxLabels);
}

TEST(GmailLabels, LabelsOfAnySize_AreHeldToALimitTogether) {
  GmailLabels labels;
  for (char first = 'a'; first <= 'z'; ++first)
    labels.seen({std::string(60'000, first), std::string(60'000, first)});
  labels.seen({"Bills"});
  const std::vector<std::string> names = hidden(labels);
  EXPECT_EQ(GmailLabels::kMaxOctets / 60'000 + 1, names.size());
  EXPECT_EQ("Bills", names.front()) << "there is room for it still";
}

} // namespace
} // namespace mailmoor::sync
