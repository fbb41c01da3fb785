#include "util/modified_utf7.h"

#include "util/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace mailmoor {
namespace {

using ::testing::Optional;

struct Pair {
  std::string_view wire;
  std::string_view utf8;
};

constexpr std::array kCanonical = {
    Pair{"", ""},
    Pair{"INBOX", "INBOX"},
    Pair{"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
         "~peter/mail/\xE5\x8F\xB0\xE5\x8C\x97/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"}, // RFC 3501 §5.1.3
    Pair{"Tom &- Jerry", "Tom & Jerry"},
    Pair{"&-", "&"},
    Pair{"&-&-", "&&"},
    Pair{"&Jjo-!", "\xE2\x98\xBA!"},
    Pair{"Entw&APw-rfe", "Entw\xC3\xBCrfe"},
    Pair{"Gel&APY-scht", "Gel\xC3\xB6scht"},
    Pair{"&2D3eAA-", "\xF0\x9F\x98\x80"},
    Pair{"a&AOk-&-b", "a\xC3\xA9&b"},
    Pair{"&AAEACQB,-", "\x01\t\x7F"},
};

TEST(ModifiedUtf7, CanonicalPairs_BothWays) {
  for (const Pair& pair : kCanonical) {
    EXPECT_THAT(decode_modified_utf7(pair.wire), Optional(std::string(pair.utf8))) << pair.wire;
    EXPECT_EQ(encode_modified_utf7(pair.utf8), pair.wire);
  }
}

TEST(ModifiedUtf7, HostileInput_IsRefused) {
  for (const std::string_view bad :
       {"&",           "a&",     "&Jjo",      "&Jjo!", // cut shift
        "&J-",         "&Jj-",   "&JjoA-",             // not a whole number of UTF-16 units
        "&Jj o-",      "&Jj/o-", "&Jjo=-",             // RFC 2152 or standard base64, white space, padding
        "&U,B*Fw-",                                    // outside the alphabet
        "&2D0-",       "&3gA-",  "&2D3YPQ-",  "&2D0AYQ-", "&3gDYPQ-", // lone, doubled and swapped surrogates
        "caf\xC3\xA9", "\x7F",   "tab\there", "nl\n"}) {              // bytes that must be shifted
    EXPECT_FALSE(decode_modified_utf7(bad)) << bad;
  }
  EXPECT_FALSE(decode_modified_utf7(std::string_view("nul\0", 4)));
}

TEST(ModifiedUtf7, NeedlessShifts_AreUnderstood) {
  EXPECT_THAT(decode_modified_utf7("&AGEAYg-"), Optional(std::string("ab")));
  EXPECT_THAT(decode_modified_utf7("&AOk-&AOk-"), Optional(std::string("\xC3\xA9\xC3\xA9")));
  EXPECT_THAT(decode_modified_utf7("..&AC8-etc"), Optional(std::string("../etc"))); // callers check components
}

TEST(ModifiedUtf7, RandomUnicode_RoundTripsAndStaysPrintable) {
  std::mt19937 random(2);
  const auto between = [&random](char32_t first, char32_t end) {
    return first + static_cast<char32_t>(random()) % (end - first);
  };
  const auto code_point = [&] {
    switch (random() % 4) {
    case 0: return between(0x20, 0x7F);
    case 1: return between(0, 0x20);
    case 2: return between(0x80, 0xD800);
    default: return between(0xE000, 0x110000);
    }
  };
  for (int round = 0; round < 5'000; ++round) {
    std::string text;
    for (std::size_t left = random() % 12; left != 0; --left)
      append_utf8(text, code_point());
    const std::string wire = encode_modified_utf7(text);
    ASSERT_TRUE(std::ranges::all_of(wire, [](char c) { return c >= 0x20 && c <= 0x7E; }));
    ASSERT_THAT(decode_modified_utf7(wire), Optional(text)) << wire;
  }
}

TEST(ModifiedUtf7, RandomWire_DecodesToValidUtf8OrNothing) {
  constexpr std::string_view kAlphabet = "&&&&----AGEYz09+,/2D3eAA \xC3";
  std::mt19937 random(3);
  int understood = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string wire;
    for (std::size_t left = random() % 16; left != 0; --left)
      wire.push_back(kAlphabet[random() % kAlphabet.size()]);
    const auto text = decode_modified_utf7(wire);
    if (!text) continue;
    ++understood;
    ASSERT_TRUE(is_valid_utf8(*text)) << wire;
    ASSERT_THAT(decode_modified_utf7(encode_modified_utf7(*text)), Optional(*text)) << wire;
  }
  EXPECT_GT(understood, 1'000);
}

} // namespace
} // namespace mailmoor
