#include "supervisor/progress_line.h"

#include "util/utf8.h"

#include <gmock/gmock.h>

namespace mailmoor::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

[[nodiscard]] Progress progress(std::uint64_t fetched, std::uint64_t octets, std::uint64_t behind, std::string where,
                                std::chrono::milliseconds elapsed) {
  Progress made;
  made.fetched = fetched;
  made.octets = octets;
  made.behind = behind;
  made.where = std::move(where);
  made.elapsed = elapsed;
  return made;
}

TEST(ProgressLine, ShowsFolderMessagesBytesRateAndTimeLeft) {
  EXPECT_EQ("alice: INBOX  320 messages, 1.9 MiB, 45/s, 120 to go, 2 s left",
            progress_line(progress(320, 2'000'000, 120, "alice: INBOX", 7111ms), 80));
}

TEST(ProgressLine, NothingYet_ShowsZeros) {
  EXPECT_EQ("0 messages, 0.0 MiB", progress_line(progress(0, 0, 0, "", 0ms), 80));
  EXPECT_EQ("a: INBOX  0 messages, 0.0 MiB, 9 to go", progress_line(progress(0, 0, 9, "a: INBOX", 0ms), 80));
}

TEST(ProgressLine, LessThanOneASecond_StillSaysWhatIsLeft) {
  EXPECT_THAT(progress_line(progress(10, 0, 90, "", 100s), 80), HasSubstr("90 to go, 15 min left"));
  EXPECT_THAT(progress_line(progress(1, 0, 1000, "", 60s), 80), HasSubstr("16 h left"));
}

TEST(ProgressLine, ManyAndFast_DoNotOverflow) {
  EXPECT_THAT(progress_line(progress(4'000'000'000, 1ULL << 50, 1'000'000, "", 24h), 120),
              HasSubstr("1073741824.0 MiB, 46296/s"));
}

TEST(ProgressLine, LongName_GivesWayToTheNumbers) {
  const std::string line = progress_line(progress(320, 2'000'000, 0, std::string(300, 'n'), 1s), 60);
  EXPECT_EQ(60U, line.size());
  EXPECT_THAT(line, ::testing::EndsWith("320 messages, 1.9 MiB, 320/s"));
}

TEST(ProgressLine, AnyWidth_IsKeptAndCutsNoCharacterInTwo) {
  const std::string where = "jürg: Entwürfe/受信箱/😀📬/Ελλάδα";
  for (std::size_t width = 0; width < 120; ++width) {
    const std::string line = progress_line(progress(12, 34'567, 8, where, 900ms), width);
    EXPECT_TRUE(is_valid_utf8(line)) << line;
    std::size_t characters = 0;
    std::string_view rest = line;
    while (const auto decoded = decode_utf8(rest)) {
      rest.remove_prefix(decoded->size);
      ++characters;
    }
    EXPECT_LE(characters, width);
  }
}

TEST(ProgressLine, WideCharacters_CountTwice) {
  const Progress wide = progress(1, 0, 0, "受信箱受信箱受信箱受信箱", 1s);
  const std::string facts = "  1 message, 0.0 MiB, 1/s";
  EXPECT_EQ("受信箱受" + facts, progress_line(wide, 8 + facts.size()));
  EXPECT_EQ("受信箱受" + facts, progress_line(wide, 9 + facts.size()));
}

TEST(ProgressLine, HostileName_DoesNotReachTheTerminal) {
  const std::string line = progress_line(progress(1, 0, 0, "a\x1B[2J\nb", 1s), 80);
  EXPECT_THAT(line, Not(HasSubstr("\x1B")));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
}

} // namespace
} // namespace mailmoor::supervisor
