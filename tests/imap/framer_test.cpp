#include "imap/framer.h"

#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "line", "line{5}" + "=hello" for the pieces of a literal joined, "!" for a violation.
std::vector<std::string> frames(std::string_view wire, std::size_t chunk, std::size_t max_line = 100,
                                bool bare_lf = true) {
  Framer framer(max_line, bare_lf);
  std::vector<std::string> out;
  bool open_literal = false;
  while (true) {
    const std::string piece(wire.substr(0, chunk));
    wire.remove_prefix(piece.size());
    framer.receive(std::as_bytes(std::span(piece)));
    while (true) {
      const Framer::Frame frame = framer.next();
      if (std::holds_alternative<Framer::NeedInput>(frame)) break;
      if (std::holds_alternative<Framer::Violation>(frame)) {
        out.emplace_back("!");
        return out;
      }
      if (const auto* text = std::get_if<Framer::Text>(&frame)) {
        out.emplace_back(text->text);
      } else {
        const auto& literal = std::get<Framer::LiteralBytes>(frame);
        if (!open_literal) out.emplace_back("=");
        out.back().append(reinterpret_cast<const char*>(literal.bytes.data()), literal.bytes.size());
        open_literal = !literal.last;
      }
    }
    if (wire.empty()) return out;
  }
}

struct Row {
  std::string_view wire;
  std::vector<std::string> expected;
};

TEST(Framer, AnyChunking_GivesTheSameFrames) {
  const std::vector<Row> rows = {
      {"* OK hi\r\n", {"* OK hi"}},
      {"a\r\nb\r\n", {"a", "b"}},
      {"\r\n", {""}},
      {"bare\nlf\n", {"bare", "lf"}},
      {"cr\rinside\r\n", {"cr\rinside"}},
      {"x {5}\r\nhello)\r\n", {"x {5}", "=hello", ")"}},
      {"x {5+}\r\nhello)\r\n", {"x {5+}", "=hello", ")"}},
      {"x {0}\r\n)\r\n", {"x {0}", "=", ")"}},
      {"x {4}\r\nA1 \r y\r\n", {"x {4}", "=A1 \r", " y"}},
      {"x {9}\r\nA1 OK x\r\n\r\n", {"x {9}", "=A1 OK x\r\n", ""}},
      {"x {2}\r\nab {2}\r\ncd\r\n", {"x {2}", "=ab", " {2}", "=cd", ""}},
      {"no {} {x} {5 5} 5}\r\n", {"no {} {x} {5 5} 5}"}},
      {"no {+}\r\n", {"no {+}"}},
      {"no {5} \r\n", {"no {5} "}},
  };
  for (const Row& row : rows)
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}})
      EXPECT_EQ(frames(row.wire, chunk), row.expected) << row.wire << " in " << chunk;
}

TEST(Framer, LineWithoutItsEnd_IsNotShown) {
  EXPECT_THAT(frames("* OK", 100), IsEmpty());
  EXPECT_THAT(frames("* OK\r", 1), IsEmpty());
  EXPECT_THAT(frames("x {5}\r", 100), IsEmpty());
  EXPECT_THAT(frames("x {5}\r\n", 100), ElementsAre("x {5}"));
}

TEST(Framer, LineOverTheLimit_IsTerminalWithOrWithoutItsEnd) {
  EXPECT_THAT(frames("12345678\r\n", 100, 9), ElementsAre("12345678"));
  for (const std::size_t chunk : {1U, 4U, 100U}) {
    EXPECT_THAT(frames("123456789\r\n", chunk, 9), ElementsAre("!"));
    EXPECT_THAT(frames("1234567890", chunk, 9), ElementsAre("!"));
  }
}

TEST(Framer, LiteralLongerThanALine_HasNoLimitHere) {
  EXPECT_THAT(frames(concat("{50}\r\n", std::string(50, 'x'), "\r\n"), 7, 10),
              ElementsAre("{50}", concat('=', std::string(50, 'x')), ""));
}

TEST(Framer, BareLf_IsAQuirkThatCanBeOff) {
  EXPECT_THAT(frames("a\n", 1), ElementsAre("a"));
  EXPECT_THAT(frames("a\n", 1, 100, /*bare_lf=*/false), ElementsAre("!"));
}

TEST(Framer, LiteralThatIsText_DoesNotSwallowTheNextLine) {
  Framer framer(100, /*bare_lf=*/true);
  const std::string wire = "* OK see {5}\r\n* 1 EXISTS\r\n";
  framer.receive(std::as_bytes(std::span(wire)));
  ASSERT_EQ(std::get<Framer::Text>(framer.next()).literal, 5U);
  framer.literal_is_text();
  EXPECT_EQ(std::get<Framer::Text>(framer.next()).text, "* 1 EXISTS");
}

TEST(Framer, WholeLine_IsNotCopied) {
  Framer framer(100, /*bare_lf=*/true);
  const std::string wire = "* OK\r\n";
  framer.receive(std::as_bytes(std::span(wire)));
  EXPECT_EQ(std::get<Framer::Text>(framer.next()).text.data(), wire.data());
}

TEST(Framer, UnreadInput_IsSeenInBothPlaces) {
  Framer framer(100, /*bare_lf=*/true);
  EXPECT_FALSE(framer.has_unread_input());
  const std::string wire = "a\r\nb";
  framer.receive(std::as_bytes(std::span(wire)));
  (void)framer.next();
  EXPECT_TRUE(framer.has_unread_input()) << "b was received";
  (void)framer.next();
  EXPECT_TRUE(framer.has_unread_input()) << "b is held";
}

TEST(AnnouncedLiteral, SizesOutOfRange_AreTheLargest) {
  EXPECT_EQ(announced_literal("x {18446744073709551614}"), 18446744073709551614U);
  EXPECT_EQ(announced_literal("x {18446744073709551616}"), 18446744073709551615U);
  EXPECT_EQ(announced_literal("x {99999999999999999999999}"), 18446744073709551615U);
  EXPECT_EQ(announced_literal("x {007}"), 7U);
  EXPECT_EQ(announced_literal("x {}"), std::nullopt);
  EXPECT_EQ(announced_literal("{"), std::nullopt);
  EXPECT_EQ(announced_literal(""), std::nullopt);
  EXPECT_EQ(announced_literal("5}"), std::nullopt);
  EXPECT_EQ(announced_literal("{-5}"), std::nullopt);
}

} // namespace
} // namespace mailmoor::imap
