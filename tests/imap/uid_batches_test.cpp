#include "imap/uid_batches.h"

#include "imap/command_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

UidSet set(std::string_view text) {
  return *UidSet::parse(text);
}

TEST(SplitForCommands, CountIsKept) {
  EXPECT_THAT(split_for_commands({}, 10), IsEmpty());
  EXPECT_THAT(split_for_commands(set("1:10"), 10), ElementsAre(set("1:10")));
  EXPECT_THAT(split_for_commands(set("1:10"), 4), ElementsAre(set("1:4"), set("5:8"), set("9:10")));
  EXPECT_THAT(split_for_commands(set("1,3,5:9"), 3), ElementsAre(set("1,3,5"), set("6:8"), set("9")));
  EXPECT_THAT(split_for_commands(set("1:4294967295"), 1ULL << 40), ElementsAre(set("1:4294967295")));
  EXPECT_THAT(split_for_commands(set("4294967294:4294967295"), 1), ElementsAre(set("4294967294"), set("4294967295")));
}

TEST(SplitForCommands, LinesStayShortAndNothingIsLostOrDouble) {
  UidSet scattered;
  for (std::uint32_t uid = 4'294'000'000; uid < 4'294'020'000; uid += 3)
    scattered.insert(UidRange{uid, uid + uid % 2});
  for (const std::size_t max_bytes : {200U, 1000U, 4000U}) {
    UidSet together;
    std::uint64_t sum = 0;
    for (const UidSet& batch : split_for_commands(scattered, 1000, max_bytes)) {
      const CommandText command =
          CommandWriter("A4294967295", LiteralForm::kSynchronizing).uid_fetch(batch.to_string(), FetchItems::kBodies);
      EXPECT_LE(command.parts.front().size(), max_bytes);
      EXPECT_LE(batch.size(), 1000U);
      together.insert(batch);
      sum += batch.size();
    }
    EXPECT_EQ(together, scattered);
    EXPECT_EQ(sum, scattered.size());
  }
}

} // namespace
} // namespace mailmoor::imap
