#include "sync/rematch.h"

#include "sync/sync_fixture.h"

#include <gmock/gmock.h>

namespace mailmoor::sync {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Dates and Message-IDs are small numbers; no Message-ID is 0.
struct Side {
  std::int64_t date;
  std::uint64_t size;
  std::uint64_t id;
};

struct Row {
  std::string_view what;
  std::vector<Side> server, disk;
  std::vector<Pair> pairs;
  std::vector<Question> questions;
};

[[nodiscard]] Matching match_sides(const std::vector<Side>& server, const std::vector<Side>& disk) {
  std::vector<MessageOnServer> on_server;
  for (const Side& side : server)
    on_server.push_back({uid(static_cast<std::uint32_t>(on_server.size() + 1)), at(side.date), side.size, side.id});
  std::vector<MessageOnDisk> on_disk;
  for (const Side& side : disk)
    on_disk.push_back({at(side.date), side.size, side.id});
  return match(on_server, on_disk);
}

TEST(Rematch, ByWhatIsKnownOfTheMessages_AsTheTableSays) {
  const std::vector<Row> rows = {
      {"nothing", {}, {}, {}, {}},
      {"all three are equal", {{1, 500, 7}, {2, 600, 8}}, {{2, 600, 8}, {1, 500, 7}}, {{0, 1}, {1, 0}}, {}},
      {"a new message", {{1, 500, 7}, {2, 600, 8}}, {{1, 500, 7}}, {{0, 0}}, {}},
      {"a file whose message is gone", {{1, 500, 7}}, {{1, 500, 7}, {2, 600, 8}}, {{0, 0}}, {}},
      {"nothing in common", {{1, 500, 7}}, {{1, 500, 8}}, {}, {}},
      {"an estimated size", {{1, 100'000, 7}}, {{1, 94'000, 7}}, {{0, 0}}, {}},
      {"a size that is another message's", {{1, 100'000, 7}}, {{1, 50'000, 7}}, {}, {}},
      {"two copies there, two here", {{1, 500, 7}, {1, 500, 7}}, {{1, 500, 7}, {1, 500, 7}}, {}, {{{0, 1}, {0, 1}}}},
      {"two copies there, one here", {{1, 500, 7}, {1, 500, 7}}, {{1, 500, 7}}, {}, {{{0, 1}, {0}}}},
      {"one there, two copies here", {{1, 500, 7}}, {{1, 500, 7}, {1, 500, 7}}, {}, {{{0}, {0, 1}}}},
      {"same Message-ID, other dates", {{1, 500, 7}, {2, 500, 7}}, {{2, 500, 7}, {1, 500, 7}}, {{0, 1}, {1, 0}}, {}},
      {"same Message-ID and date, other sizes",
       {{1, 500, 7}, {1, 5000, 7}},
       {{1, 5000, 7}, {1, 500, 7}},
       {{0, 1}, {1, 0}},
       {}},
      {"what is left of a pair with one date is asked for",
       {{1, 500, 7}, {1, 5000, 7}},
       {{1, 5010, 7}, {1, 500, 7}},
       {{0, 1}},
       {{{1}, {0}}}},
      {"the date changed", {{9, 500, 7}}, {{1, 500, 7}}, {}, {{{0}, {0}}}},
      {"the date changed and the size is another's", {{9, 5000, 7}}, {{1, 500, 7}}, {}, {}},
      {"one of two dates changed", {{1, 500, 7}, {9, 500, 7}}, {{1, 500, 7}, {2, 500, 7}}, {{0, 0}}, {{{1}, {1}}}},
      {"no Message-ID", {{1, 500, 0}, {2, 700, 0}}, {{1, 500, 0}}, {}, {{{0}, {0}}}},
      {"no Message-ID and another size", {{1, 500, 0}}, {{2, 700, 0}}, {}, {}},
      {"no Message-ID and an estimated size", {{1, 500, 0}}, {{1, 510, 0}}, {}, {{{0}, {0}}}},
      {"a Message-ID on one side only", {{1, 500, 7}}, {{1, 500, 0}}, {}, {}},
  };
  for (const Row& row : rows) {
    const Matching matching = match_sides(row.server, row.disk);
    EXPECT_THAT(matching.pairs, ::testing::UnorderedElementsAreArray(row.pairs)) << row.what;
    EXPECT_THAT(matching.questions, ::testing::UnorderedElementsAreArray(row.questions)) << row.what;
  }
}

TEST(Rematch, ServerWithoutDateOrSize_IsAskedForContents) {
  const std::vector<MessageOnDisk> on_disk = {{at(1), 500, 7}, {at(1), 500, 8}, {at(1), 500, 0}};
  const std::vector<MessageOnServer> on_server = {
      {uid(1), std::nullopt, 500, 7}, {uid(2), at(1), std::nullopt, 8}, {uid(3), at(1), std::nullopt, 0}};
  const Matching matching = match(on_server, on_disk);
  EXPECT_THAT(matching.pairs, IsEmpty());
  EXPECT_THAT(matching.questions, UnorderedElementsAre(Question{{0}, {0}}, Question{{1}, {1}}, Question{{2}, {2}}));
}

TEST(Rematch, Contents_PairEqualMessagesOneToOneThoseOfOneDateFirst) {
  const std::vector<MessageOnServer> on_server = {
      {uid(1), at(5), 500, 7}, {uid(2), at(1), 500, 7}, {uid(3), at(9), 500, 7}, {uid(4), at(9), 500, 7}};
  const std::vector<MessageOnDisk> on_disk = {{at(1), 500, 7}, {at(2), 500, 7}, {at(9), 500, 7}};
  const Question question{{0, 1, 2, 3}, {0, 1, 2}};
  const auto settled = [&](const std::vector<std::string>& server, const std::vector<std::string>& disk) {
    return settle(question, on_server, on_disk, server, disk);
  };
  EXPECT_THAT(settled({"a", "a", "b", "c"}, {"a", "a", "b"}), UnorderedElementsAre(Pair{1, 0}, Pair{0, 1}, Pair{2, 2}));
  EXPECT_THAT(settled({"", "a", "", "a"}, {"a", "", ""}), UnorderedElementsAre(Pair{1, 0}))
      << "what did not come is nobody's";
  EXPECT_THAT(settled({"x", "x", "x", "x"}, {"a", "b", ""}), IsEmpty());
}

TEST(Rematch, EveryMessageAndFile_IsInOnePlaceAtMost) {
  // Few values on purpose: much collides.
  std::uint32_t random = 1;
  const auto pick = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 16) % below;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Side> server, disk;
    for (std::vector<Side>* side : {&server, &disk})
      for (std::uint32_t i = pick(12); i > 0; --i)
        side->push_back({pick(3), 500 + pick(3) * 3000, pick(3)});
    const Matching matching = match_sides(server, disk);
    std::vector<int> server_uses(server.size()), disk_uses(disk.size());
    for (const Pair& pair : matching.pairs) {
      ++server_uses[pair.on_server];
      ++disk_uses[pair.on_disk];
      EXPECT_EQ(server[pair.on_server].id, disk[pair.on_disk].id);
      EXPECT_EQ(server[pair.on_server].date, disk[pair.on_disk].date);
      EXPECT_NE(0U, server[pair.on_server].id) << "without a Message-ID only contents tell";
    }
    for (const Question& question : matching.questions) {
      EXPECT_FALSE(question.on_server.empty() || question.on_disk.empty());
      for (const std::size_t i : question.on_server)
        ++server_uses[i];
      for (const std::size_t i : question.on_disk)
        ++disk_uses[i];
    }
    for (const int uses : server_uses)
      EXPECT_LE(uses, 1);
    for (const int uses : disk_uses)
      EXPECT_LE(uses, 1);
  }
}

} // namespace
} // namespace mailmoor::sync
