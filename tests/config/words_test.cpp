// The small words of a configuration: quantities, addresses, misspelt keys.
#include "config/nearest.h"
#include "config/quantity.h"
#include "config/web_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace mailmoor::config {
namespace {

using namespace std::chrono_literals;

TEST(Duration, Text_IsReadAsItsUnitSays) {
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("30d"), std::chrono::days(30));
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("9223372036854775807s"), std::chrono::seconds::max());
}

TEST(Duration, AnythingElse_IsRefused) {
  for (const char* text : {"", "s", "5", "5 m", "5M", "5ms", "5m ", " 5m", "-5m", "+5m", "1.5h", "1h30m", "0x5s",
                           "9223372036854775808s", "18446744073709551616s", "106751991167301d"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Duration, Format_RoundTrips) {
  for (const auto duration : {0s, 1s, 59s, 60s, 61s, 90s, 3599s, 3600s, 5400s, 86400s, 86401s, 2592000s})
    EXPECT_EQ(parse_duration(format_duration(duration)), duration);
  for (const char* text : {"90s", "5m", "1h", "30d", "36h", "0s"})
    EXPECT_EQ(format_duration(*parse_duration(text)), text);
}

TEST(Date, DayThatExists_IsRead) {
  using namespace std::chrono;
  EXPECT_EQ(parse_date("2027-01-31"), sys_days(year(2027) / January / 31));
  EXPECT_EQ(parse_date("2028-02-29"), sys_days(year(2028) / February / 29));
}

TEST(Date, AnythingElse_IsRefused) {
  for (const char* text :
       {"", "2027-02-29", "2027-13-01", "2027-00-01", "2027-01-00", "2027-1-31", "27-01-31", "2027/01/31",
        "2027-01-31T00:00:00Z", " 2027-01-31", "20270131", "+027-01-31", "2027-+1-31", "31-01-2027"})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
}

TEST(Size, Text_IsReadAsItsUnitSays) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("7B"), 7U);
  EXPECT_EQ(parse_size("4KiB"), 4096U);
  EXPECT_EQ(parse_size("10MiB"), 10485760U);
  EXPECT_EQ(parse_size("2GiB"), 2147483648U);
  EXPECT_EQ(parse_size("1TiB"), 1099511627776U);
  EXPECT_EQ(parse_size("16777215TiB"), 0xFFFFFF0000000000U);
}

TEST(Size, AnythingElse_IsRefused) {
  for (const char* text : {"", "5", "5MB", "5 MiB", "5mib", "-1B", "1.5MiB", "16777216TiB", "18446744073709551616B"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(Host, NamesAndAddresses_AreTaken) {
  for (const char* text : {"imap.example.org", "localhost", "h", "127.0.0.1", "::1", "2001:db8::1",
                           "xn--bcher-kva.example", "a_b.example", "example.org."})
    EXPECT_EQ(why_not_host(text), std::nullopt) << text;
}

TEST(Host, AnythingElse_IsRefused) {
  for (const std::string& text :
       std::to_array<std::string>({"", "imap://h", "h:993", "[::1]", "a b", "a/b", "bücher.example", ".a", "a..b",
                                   "a@b", std::string(254, 'a')}))
    EXPECT_NE(why_not_host(text), std::nullopt) << text;
}

TEST(HttpsUrl, HttpsAnywhereAndHttpToThisMachine_AreTaken) {
  for (const char* text :
       {"https://id.example", "https://id.example:8443/a/b?c=d", "https://[2001:db8::1]/x", "http://127.0.0.1:8080",
        "http://127.8.9.1/", "http://[::1]:80/x", "http://localhost:1/x", "http://LOCALHOST"})
    EXPECT_EQ(why_not_https_url(text), std::nullopt) << text;
}

TEST(HttpsUrl, AnythingElse_IsRefused) {
  for (const std::string& text : std::to_array<std::string>({"",
                                                             "id.example",
                                                             "https://",
                                                             "https:///x",
                                                             "http://id.example",
                                                             "http://127.0.0.1.example",
                                                             "http://127.evil",
                                                             "http://localhost.example",
                                                             "http://localhost@evil.example",
                                                             "https://u:p@id.example",
                                                             "ftp://id.example",
                                                             "https://id.example#f",
                                                             "https://id.example:0",
                                                             "https://id.example:",
                                                             "https://id.example:x",
                                                             "https://id.example:65536",
                                                             "https://id example",
                                                             "https://[::1",
                                                             "https://[::1]x:5",
                                                             "https://[h]:5",
                                                             "https://bücher.example",
                                                             "https://id.example/\x01",
                                                             "https://id.example/" + std::string(2048, 'a')}))
    EXPECT_NE(why_not_https_url(text), std::nullopt) << text;
}

TEST(ProxyUrl, SchemeHostAndPort_AreTaken) {
  for (const char* text : {"http://p:3128", "socks5h://127.0.0.1:1080", "http://[::1]:3128/"})
    EXPECT_EQ(why_not_proxy_url(text), std::nullopt) << text;
}

TEST(ProxyUrl, AnythingElse_IsRefused) {
  for (const char* text :
       {"p:3128", "http://p", "https://p:1", "socks5://p:1", "http://u@p:1", "http://p:1/x", "http://p:1?x"})
    EXPECT_NE(why_not_proxy_url(text), std::nullopt) << text;
}

TEST(Nearest, TypingErrors_FindTheWordMeant) {
  constexpr auto kWords =
      std::to_array<std::string_view>({"poll", "push", "port", "proxy", "password", "line_endings"});
  EXPECT_EQ(nearest("pol", kWords), "poll");
  EXPECT_EQ(nearest("POLL", kWords), "poll");
  EXPECT_EQ(nearest("prot", kWords), "port");
  EXPECT_EQ(nearest("pasword", kWords), "password");
  EXPECT_EQ(nearest("line-ending", kWords), "line_endings");
  EXPECT_EQ(nearest("x", kWords), std::nullopt);
  EXPECT_EQ(nearest("colour", kWords), std::nullopt);
  EXPECT_EQ(nearest("", kWords), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'p'), kWords), std::nullopt);
  EXPECT_EQ(nearest("poll", {}), std::nullopt);
}

} // namespace
} // namespace mailmoor::config
