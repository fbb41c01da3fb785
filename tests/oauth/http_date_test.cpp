#include "oauth/http_date.h"

#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using std::chrono::seconds;

constexpr UnixTime at(long long unix_seconds) {
  return UnixTime(seconds(unix_seconds));
}

TEST(HttpDate, AllThreeForms_AreTheSameTime) { // RFC 9110 §5.6.7
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), at(784111777));
}

TEST(HttpDate, TwoDigitYears_AreNear) {
  EXPECT_EQ(parse_http_date("Monday, 23-Nov-26 15:04:05 GMT"), parse_http_date("Mon, 23 Nov 2026 15:04:05 GMT"));
}

TEST(HttpDate, OtherText_IsNone) {
  for (const std::string_view text :
       {"", "GMT", "soon", "120", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT x",
        "Sun, aa Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994", "a b c d e f g h i"})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

TEST(RetryAfter, Seconds_AreTaken) {
  EXPECT_EQ(parse_retry_after("0", "", at(0)), seconds(0));
  EXPECT_EQ(parse_retry_after("120", "", at(0)), seconds(120));
  EXPECT_EQ(parse_retry_after("86400", "", at(0)), seconds(86400));
}

TEST(RetryAfter, MoreThanADay_IsADay) {
  EXPECT_EQ(parse_retry_after("86401", "", at(0)), seconds(86400));
  EXPECT_EQ(parse_retry_after("99999999999999999999999999", "", at(0)), seconds(86400));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", "", at(784111777)), seconds(86400));
}

TEST(RetryAfter, Date_IsRelativeToTheAnswersDate) {
  // Our clock is wrong by years: the server's two dates still say 30 s.
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", at(0)), seconds(30));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", "", at(784111777)), seconds(30));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", "nonsense", at(784111777)), seconds(30));
}

TEST(RetryAfter, DateInThePast_IsNow) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", "", at(784111778)), seconds(0));
}

TEST(RetryAfter, OtherText_IsNone) {
  for (const std::string_view text : {"", "-5", "+5", "5s", "1.5", "a while"})
    EXPECT_FALSE(parse_retry_after(text, "", at(0))) << text;
}

} // namespace
} // namespace mailmoor::oauth
