#include "maildir/file_name.h"

#include <gtest/gtest.h>

namespace mailmoor::maildir {
namespace {

[[nodiscard]] MessageIdentity message(std::uint32_t validity, std::uint32_t uid, std::int64_t seconds) {
  return {*UidValidity::from(validity), *Uid::from(uid), UnixTime(std::chrono::seconds(seconds)), {}};
}

TEST(FileName, ReadMessage_HasEveryFieldOfTheContract) {
  EXPECT_EQ(make_file_name(message(14, 4491, 1700000000), "mail", 5120, "FS", false),
            "1700000000.V14U4491.mail,S=5120:2,FS");
}

TEST(FileName, MessageWithoutFlags_HasInfoInCurAndNoneInNew) {
  EXPECT_EQ(make_file_name(message(1, 2, 3), "h", 0, "", false), "3.V1U2.h,S=0:2,");
  EXPECT_EQ(make_file_name(message(1, 2, 3), "h", 0, "", true), "3.V1U2.h,S=0");
}

TEST(FileName, FlaggedUnreadMessage_KeepsItsFlagInNew) {
  EXPECT_EQ(make_file_name(message(1, 2, 3), "h", 0, "F", true), "3.V1U2.h,S=0:2,F");
}

TEST(FileName, EveryNameMade_ParsesBackAndFits) {
  for (const std::uint32_t validity : {1U, 14U, 4294967295U})
    for (const std::uint32_t uid : {1U, 99U, 4294967295U})
      for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{253402300799}})
        for (const std::string_view letters : {"", "S", "DFPRST"}) {
          const std::string host = sanitised_host(std::string(300, 'x'));
          const auto name = make_file_name(message(validity, uid, seconds), host, ~std::uint64_t{0}, letters, false);
          EXPECT_LE(name.size(), 200U);
          const auto parsed = parse_file_name(name);
          ASSERT_TRUE(parsed) << name;
          EXPECT_EQ(parsed->validity.value(), validity);
          EXPECT_EQ(parsed->uid.value(), uid);
          EXPECT_EQ(parsed->internal_date.time_since_epoch().count(), seconds);
          EXPECT_EQ(parsed->letters, letters);
        }
}

TEST(FileName, RenamedByReaders_KeepsItsIdentity) {
  for (const std::string_view name : {
           "1700000000.V14U7.mail,S=5120:2,S",           // moved to cur/
           "1700000000.V14U7.mail,S=5120,W=5200:2,RSab", // Dovecot: virtual size, keywords
           "1700000000.V14U7.mail,S=5120,U=3:2,",        // mbsync on top
           "1700000000.V14U7.some.other.host",
           "1700000000.V14U7.",
       }) {
    const auto parsed = parse_file_name(name);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(parsed->validity.value(), 14U) << name;
    EXPECT_EQ(parsed->uid.value(), 7U) << name;
  }
}

TEST(FileName, NamesOfOthersAndHostileOnes_AreNotTaken) {
  using namespace std::string_literals;
  for (const std::string& name : {
           ""s,
           "."s,
           ".."s,
           "..."s,
           "V1U2"s,
           "1.V1U2"s,
           ".V1U2."s,
           "x.V1U2.h"s,
           "1.V0U2.h"s,
           "1.V1U0.h"s,
           "1.V1U4294967296.h"s,
           "1.V4294967296U1.h"s,
           "1.V1U99999999999999999999.h"s,
           "1.V01U2.h"s,
           "1.V1U02.h"s,
           "1.V+1U2.h"s,
           "1.V-1U2.h"s,
           "1.V1U-2.h"s,
           "1.V 1U2.h"s,
           "1.V1U2x.h"s,
           "1.xV1U2.h"s,
           "1.VU.h"s,
           "1.V1U.h"s,
           "1.VU1.h"s,
           "1.V1.U2.h"s,
           "1.v1u2.h"s,
           "1.V1U2U3.h"s,
           "01.V1U2.h"s,
           "+1.V1U2.h"s,
           "9223372036854775808.V1U2.h"s,
           "1.V1U2\0.h"s,
           "1.h.V1U2.x"s,
           "1200000000.M123456P789V0000000000000801I0000000000ABCDEF_0.host,S=1:2,"s, // Courier
           "1200000000.M20046P2137.mailserver,S=4542,W=4642"s,                        // Dovecot
           "1200000000.V14U7_1.host:2,S"s,
           "1200000000.R123.V14U7.host"s,
       })
    EXPECT_FALSE(parse_file_name(name)) << name;
}

TEST(FileName, InfoBeforeTheHost_IsNotTakenForFlags) {
  EXPECT_FALSE(parse_file_name("1:2,S.V1U2.h,S=1")) << "no number";
  EXPECT_EQ(parse_file_name("1.V1U2.h,S=1")->letters, "");
  EXPECT_EQ(parse_file_name("1.V1U2.h,S=1:1,S")->letters, "") << "experimental info";
}

TEST(Host, SpecialCharacters_AreOctal) {
  EXPECT_EQ(sanitised_host("a/b:c,d\\e\nf"), "a\\057b\\072c\\054d\\134e\\012f");
  EXPECT_EQ(sanitised_host("mail.example.org"), "mail.example.org");
  EXPECT_EQ(sanitised_host(""), "localhost");
  EXPECT_LE(sanitised_host(std::string(500, ':')).size(), 100U);
}

} // namespace
} // namespace mailmoor::maildir
