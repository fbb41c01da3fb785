#include "util/utf8.h"

#include <gtest/gtest.h>

namespace mailmoor {
namespace {

TEST(Utf8, EveryScalarValue_RoundTrips) {
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code_point);
    const auto decoded = decode_utf8(text);
    ASSERT_TRUE(decoded) << static_cast<std::uint32_t>(code_point);
    ASSERT_EQ(decoded->code_point, code_point);
    ASSERT_EQ(decoded->size, text.size());
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      ASSERT_FALSE(decode_utf8(std::string_view(text).substr(0, cut)));
  }
}

// RFC 3629 §3 and §10: what a decoder must not let through.
TEST(Utf8, IllFormedSequences_AreRefused) {
  for (const std::string_view bad : {"\x80",
                                     "\xBF", // a continuation byte alone
                                     "\xC0\x80",
                                     "\xC1\xBF",
                                     "\xE0\x80\x80",
                                     "\xE0\x9F\xBF", // overlong
                                     "\xF0\x80\x80\x80",
                                     "\xF0\x8F\xBF\xBF", //
                                     "\xC0\xAF",
                                     "\xE0\x80\xAF", // overlong "/"
                                     "\xED\xA0\x80",
                                     "\xED\xBF\xBF", // surrogates
                                     "\xF4\x90\x80\x80",
                                     "\xF5\x80\x80\x80", // above U+10FFFF
                                     "\xFE",
                                     "\xFF",
                                     "\xF8\x88\x80\x80\x80", // never a first byte
                                     "\xC3(",
                                     "\xE2\x82(",
                                     "\xF0\x9F\x98("}) { // a continuation byte missing
    EXPECT_FALSE(decode_utf8(bad));
    EXPECT_FALSE(is_valid_utf8(bad));
    EXPECT_FALSE(is_valid_utf8(std::string("ok") + std::string(bad)));
  }
}

TEST(Utf8, Decode_LooksAtTheFirstCodePointOnly) {
  const auto decoded = decode_utf8("\xC3\xA9\xFF");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->code_point, 0xE9U);
  EXPECT_EQ(decoded->size, 2U);
}

TEST(Utf8, EmptyText_IsValidAndHasNoCodePoint) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_FALSE(decode_utf8(""));
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
  EXPECT_TRUE(is_valid_utf8("Entw\xC3\xBCrfe \xF0\x9F\x98\x80"));
}

} // namespace
} // namespace mailmoor
