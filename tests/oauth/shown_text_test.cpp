#include "oauth/shown_text.h"

#include "util/utf8.h"

#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

TEST(ShownText, ControlsBecomeOneBlank) {
  EXPECT_EQ(shown_text("a\r\n\tb\x1B[31mc\x7F", 100), "a b [31mc");
  EXPECT_EQ(shown_text("  a  b  ", 100), "a b");
  EXPECT_EQ(shown_text("a\xC2\x9B"
                       "2Jb\xE2\x80\xA8"
                       "c",
                       100),
            "a 2Jb c"); // C1's CSI, LINE SEPARATOR
}

TEST(ShownText, HiddenAndReorderingCharacters_AreDropped) {
  EXPECT_EQ(shown_text("a\xE2\x80\xAE"
                       "b\xE2\x81\xA6"
                       "c\xE2\x80\x8B"
                       "d\xEF\xBB\xBF",
                       100),
            "abcd"); // U+202E, U+2066, U+200B, U+FEFF
}

TEST(ShownText, OtherUtf8_IsKept) {
  EXPECT_EQ(shown_text("Gültig für 日本", 100), "Gültig für 日本");
}

TEST(ShownText, BytesThatAreNotUtf8_AreQuestionMarks) {
  EXPECT_EQ(shown_text("a\xFF\xC3", 100), "a??");
}

TEST(ShownText, LongText_IsCutAtACharacter) {
  EXPECT_EQ(shown_text("abcdef", 6), "abcdef");
  EXPECT_EQ(shown_text("abcdefg", 6), "abc…");
  for (std::size_t limit = 4; limit < 40; ++limit) {
    const std::string shown = shown_text("äöüßéèñ日本語äöüß", limit);
    EXPECT_LE(shown.size(), limit);
    EXPECT_TRUE(is_valid_utf8(shown)) << limit;
  }
}

TEST(ShownDescription, WhatAServerEchoes_IsMasked) {
  const std::string token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL291dGxvb2sifQ.c2ln";
  EXPECT_EQ(shown_description("bad token " + token + "!", 400), "bad token ***!");
  EXPECT_EQ(shown_description("bad token '" + token + "'", 400), "bad token '***'");
  EXPECT_EQ(shown_description("refresh_token=" + token, 400), "***");
  EXPECT_EQ(shown_description("1//0gZkq9H8Jw1ACgYIARAAGBASNwF-L9IrkY3v8kP2 is bad", 400), "*** is bad");
  EXPECT_EQ(shown_description("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eSaa", 400), "***"); // 43 characters
  EXPECT_EQ(shown_description("https://id.example/t/GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eSaa", 400), "https:***");
}

TEST(ShownDescription, ATokenSplitByHiddenCharacters_IsMasked) {
  EXPECT_EQ(shown_description("GmRhmhcxhwAzkoEqiMEg\xE2\x80\x8B_DnyEysNkuNhszIySk9eSaa", 400), "***");
}

TEST(ShownDescription, ATokenAtTheCut_IsMaskedFirst) {
  const std::string shown = shown_description(std::string(60, 'A') + " tail", 20);
  EXPECT_EQ(shown, "*** tail");
}

TEST(ShownDescription, IdsUrlsAndScopes_AreKept) {
  const std::string text =
      "AADSTS65001: app 'de8bc8b5-d9f9-48b1-a8ad-b748da725064' lacks "
      "https://outlook.office.com/IMAP.AccessAsUser.All see https://go.microsoft.com/fwlink/?linkid=1";
  EXPECT_EQ(shown_description(text, 400), text);
}

} // namespace
} // namespace mailmoor::oauth
