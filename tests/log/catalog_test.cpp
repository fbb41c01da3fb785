// The constants in the program and the catalog that journalctl reads must say the same.
#include "log/event_ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace mailmoor::log {
namespace {

struct CatalogEntry {
  std::string subject;
  std::string defined_by;
  std::string body;
};

// catalog.txt of systemd: "-- ID", headers, an empty line, text.
std::map<std::string, CatalogEntry> read_catalog() {
  std::ifstream file(TEST_SOURCE_DIR "/systemd/mailmoor.catalog");
  std::map<std::string, CatalogEntry> entries;
  CatalogEntry* entry = nullptr;
  bool in_headers = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    if (line.starts_with("-- ")) {
      const auto [place, is_new] = entries.try_emplace(line.substr(3));
      EXPECT_TRUE(is_new) << line;
      entry = &place->second;
      in_headers = true;
    } else if (entry != nullptr && in_headers) {
      if (line.starts_with("Subject: ")) entry->subject = line.substr(9);
      if (line.starts_with("Defined-By: ")) entry->defined_by = line.substr(12);
      in_headers = !line.empty();
    } else if (entry != nullptr) {
      entry->body += line + '\n';
    }
  }
  return entries;
}

TEST(Catalog, EveryEvent_HasAnEntryAndEveryEntryAnEvent) {
  const auto catalog = read_catalog();
  for (const EventId* event : events::kAll) {
    const auto entry = catalog.find(std::string(event->hex));
    ASSERT_NE(entry, catalog.end()) << event->name;
    EXPECT_FALSE(entry->second.subject.empty()) << event->name;
    EXPECT_EQ(entry->second.defined_by, "Mailmoor") << event->name;
    EXPECT_GT(entry->second.body.size(), 60U) << event->name;
  }
  EXPECT_EQ(catalog.size(), events::kAll.size());
}

TEST(Catalog, References_AreToFieldsThatExist) {
  const std::set<std::string> known = {"MAILMOOR_MAILBOX", "MAILMOOR_FOLDER",   "MAILMOOR_UID", "MAILMOOR_EVENT",
                                       "MAILMOOR_ERROR",   "MAILMOOR_RETRY_AT", "MAILMOOR_APP"};
  for (const auto& [id, entry] : read_catalog()) {
    const std::string text = entry.subject + '\n' + entry.body;
    for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
      const std::size_t end = text.find('@', at + 1);
      ASSERT_NE(end, std::string::npos) << id;
      EXPECT_TRUE(known.contains(text.substr(at + 1, end - at - 1))) << id << ": " << text.substr(at, end - at + 1);
      at = end + 1;
    }
  }
}

TEST(EventIds, AreDistinctRandom128BitNumbersWithWordsForNames) {
  std::set<std::string_view> ids;
  std::set<std::string_view> names;
  for (const EventId* event : events::kAll) {
    EXPECT_EQ(event->hex.size(), 32U) << event->name;
    EXPECT_EQ(event->hex.find_first_not_of("0123456789abcdef"), std::string_view::npos) << event->name;
    EXPECT_EQ(event->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << event->name;
    EXPECT_TRUE(ids.insert(event->hex).second) << event->name;
    EXPECT_TRUE(names.insert(event->name).second) << event->name;
  }
}

} // namespace
} // namespace mailmoor::log
