#include "util/base64.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace mailmoor {
namespace {

using ::testing::Optional;

struct Vector {
  std::string_view bytes;
  std::string_view text;
};

// RFC 4648 §10.
constexpr std::array kVectors = {
    Vector{"", ""},
    Vector{"f", "Zg=="},
    Vector{"fo", "Zm8="},
    Vector{"foo", "Zm9v"},
    Vector{"foob", "Zm9vYg=="},
    Vector{"fooba", "Zm9vYmE="},
    Vector{"foobar", "Zm9vYmFy"},
};

TEST(Base64, RfcVectors_EncodeAndDecode) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(base64_encode(vector.bytes), vector.text);
    EXPECT_THAT(base64_decode(vector.text), Optional(std::string(vector.bytes)));
    EXPECT_EQ(base64_encode_secret(vector.bytes).reveal(), vector.text);
  }
}

TEST(Base64, UrlAlphabet_HasNoPaddingAndDecodes) {
  const std::string bytes = "\xFB\xFF\xFE\x01";
  EXPECT_EQ(base64_encode(bytes), "+//+AQ==");
  EXPECT_EQ(base64url_encode(bytes), "-__-AQ");
  EXPECT_THAT(base64_decode("-__-AQ"), Optional(bytes));
  EXPECT_THAT(base64_decode("+//+AQ=="), Optional(bytes));
}

TEST(Base64, EveryLengthAndByte_RoundTrips) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size <= 300; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random() & 0xFF);
    const std::string standard = base64_encode(bytes);
    EXPECT_EQ(standard.size(), (size + 2) / 3 * 4);
    EXPECT_THAT(base64_decode(standard), Optional(bytes));
    const std::string url = base64url_encode(bytes);
    EXPECT_EQ(url.find_first_of("+/="), std::string::npos);
    EXPECT_THAT(base64_decode(url), Optional(bytes));
  }
}

TEST(Base64, EveryByteOutsideTheAlphabets_IsRefused) {
  constexpr std::string_view kAlphabets = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
  for (int byte = 0; byte < 256; ++byte) {
    std::string text = "AAAA";
    text[1] = static_cast<char>(byte);
    const bool known = kAlphabets.find(text[1]) != std::string_view::npos;
    EXPECT_EQ(base64_decode(text).has_value(), known) << byte;
  }
}

TEST(Base64, ImpossibleLengthsAndPadding_AreRefused) {
  for (const std::string_view bad : {"A", "AAAAA", "=", "==", "====", "A===", "AA=", "AAA==", "AAAA=", "AAAA==",
                                     "AA==AA", "AA=A", "Zm9v\n", " Zm9v", "Zm 9v"})
    EXPECT_FALSE(base64_decode(bad)) << bad;
}

} // namespace
} // namespace mailmoor
