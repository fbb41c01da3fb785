#include "mailbox/listing.h"

#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

[[nodiscard]] FolderName name(const std::string& wire) {
  return FolderName::from_wire(wire, '/');
}

TEST(Listing, Rows_AreTakenAndOtherEventsLeftAlone) {
  Listing listing;
  imap::Event entry = imap::ListEntry{name("Sent"), true, {"\\sent"}};
  FolderState state;
  state.messages = 3;
  imap::Event status = imap::StatusEntry{name("Sent"), state};
  imap::Event other = imap::Exists{7};
  for (imap::Event* event : {&entry, &status, &other})
    listing.hear(*event);
  ASSERT_EQ(1U, listing.folders.size());
  EXPECT_EQ("Sent", listing.folders.front().name.wire());
  EXPECT_THAT(listing.folders.front().attributes, ::testing::ElementsAre("\\sent"));
  EXPECT_EQ(3U, listing.states.at("Sent").messages);
  EXPECT_EQ(7U, std::get<imap::Exists>(other).count);
  EXPECT_TRUE(listing.check());
}

TEST(Listing, HundredThousandFolders_AreNotTooMany) {
  Listing listing;
  for (int i = 0; i < 100'000; ++i) {
    imap::Event entry = imap::ListEntry{name(concat("Projects/Client ", i)), true, {}};
    listing.hear(entry);
  }
  EXPECT_TRUE(listing.check());
}

TEST(Listing, WhateverIsEndless_IsHeldToALimitAndRefused) {
  const auto hold = [](const std::function<imap::Event(int)>& row) {
    Listing listing;
    for (int i = 0; i < 400'000 && listing.size < 2 * Listing::kMaxSize; ++i) {
      imap::Event event = row(i);
      listing.hear(event);
    }
    EXPECT_GT(listing.size, Listing::kMaxSize);
    ASSERT_FALSE(listing.check());
    EXPECT_EQ("too_many_folders", listing.check().error().code);
    EXPECT_LE(listing.folders.size() + listing.states.size(), Listing::kMaxSize / 100);
  };
  hold([](int i) { return imap::ListEntry{name(std::to_string(i)), true, {}}; });
  hold([](int i) { return imap::ListEntry{name(concat(i, std::string(60'000, 'x'))), true, {}}; });
  hold([](int i) { return imap::ListEntry{name(std::to_string(i)), true, std::vector<std::string>(1000, "\\a")}; });
  hold([](int i) { return imap::StatusEntry{name(std::to_string(i)), {}}; });
}

} // namespace
} // namespace mailmoor::mailbox
