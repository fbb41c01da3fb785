#include "oauth/json_reply.h"

#include "oauth/reply.h"
#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string taken(std::string_view json, std::string_view member) {
  JsonReply reply = JsonReply::parse(json);
  return std::string(reply.take_secret(member).reveal());
}

TEST(JsonReply, FlatObject_GivesItsMembers) {
  JsonReply reply = JsonReply::parse(
      R"({"a":"text","n":3599,"s":"3599","f":3599.0,"half":0.5,"neg":-1,"codes":[70016,"x",5.0,[9],{"y":8}],)"
      R"("null":null,"true":true,"inner":{"message":"m","code":4,"deep":{"message":"no"}},"access_token":"tok"})");
  ASSERT_TRUE(reply.is_object());
  EXPECT_EQ(reply.text("a"), "text");
  EXPECT_EQ(reply.number("n"), 3599);
  EXPECT_EQ(reply.number("s"), 3599);
  EXPECT_EQ(reply.number("f"), 3599);
  EXPECT_EQ(reply.number("neg"), -1);
  EXPECT_FALSE(reply.number("half"));
  EXPECT_FALSE(reply.number("a"));
  EXPECT_EQ(reply.text("n"), "");
  EXPECT_THAT(reply.numbers("codes"), ElementsAre(70016, 5));
  EXPECT_THAT(reply.numbers("a"), IsEmpty());
  EXPECT_FALSE(reply.has("null"));
  EXPECT_FALSE(reply.has("true"));
  EXPECT_EQ(reply.text("inner.message"), "m");
  EXPECT_EQ(reply.number("inner.code"), 4);
  EXPECT_EQ(reply.text("absent"), "");
  EXPECT_EQ(reply.take_secret("access_token").reveal(), "tok");
  EXPECT_TRUE(reply.take_secret("access_token").empty());
  EXPECT_EQ(reply.text("access_token"), ""); // only ever in a Secret
}

TEST(JsonReply, NumbersBeyondRange_AreNone) {
  const JsonReply reply = JsonReply::parse(
      R"({"a":18446744073709551615,"b":99999999999999999999999,"c":1e300,"d":"9999999999999999999","e":"-5","f":"","g":"1x"})");
  ASSERT_TRUE(reply.is_object());
  for (const std::string_view member : {"a", "b", "c", "d", "e", "f", "g"})
    EXPECT_FALSE(reply.number(member)) << member;
}

TEST(JsonReply, NotAnObject_SaysSo) {
  for (const std::string_view text :
       {"", " ", "null", "1", "\"x\"", "[]", "[{\"a\":1}]", "{", "{\"a\":1", "{\"a\":1}}", "{\"a\":1} {}", "{'a':1}",
        "<html></html>", "{\"a\":\"\xFF\"}", "{\"a\":1,}", "{\"a\":\"\n\"}", "\"access_token\":\"x\""}) {
    const JsonReply reply = JsonReply::parse(text);
    EXPECT_FALSE(reply.is_object()) << text;
    EXPECT_FALSE(reply.has("a")) << text;
  }
}

TEST(JsonReply, Depth16_IsTheLimit) {
  const auto nested = [](std::size_t depth) {
    return concat("{\"a\":", std::string(depth - 1, '['), std::string(depth - 1, ']'), '}');
  };
  EXPECT_TRUE(JsonReply::parse(nested(16)).is_object());
  EXPECT_FALSE(JsonReply::parse(nested(17)).is_object());
  EXPECT_FALSE(JsonReply::parse(std::string(200'000, '[')).is_object());
}

TEST(JsonReply, SizeAndCount_HaveLimits) {
  EXPECT_TRUE(JsonReply::parse(concat("{\"a\":\"", std::string(kMaxReplyBytes - 8, 'x'), "\"}")).is_object());
  EXPECT_FALSE(JsonReply::parse(concat("{\"a\":\"", std::string(kMaxReplyBytes - 7, 'x'), "\"}")).is_object());
  std::string many = "{\"a\":[0";
  for (int i = 0; i < 512; ++i)
    many += ",0";
  EXPECT_FALSE(JsonReply::parse(many + "]}").is_object());
}

TEST(JsonReply, EscapedTokens_AreUnescaped) {
  EXPECT_EQ(taken(R"({"refresh_token":"1\/\/0g\u002B\u003d\\\"x"})", "refresh_token"), "1//0g+=\\\"x");
}

TEST(JsonReply, ValuesThatAreNoTokens_AreEmpty) { // RFC 6749 Appendix A.12: 1*VSCHAR
  for (const std::string_view json :
       {R"({"access_token":""})", R"({"access_token":"a\nb"})", R"({"access_token":"a\u0000b"})",
        R"({"access_token":"a\u00e9"})", R"({"access_token":"a\u12"})", R"({"access_token":"a\uZZZZ"})",
        R"({"access_token":"a\x"})", "{\"access_token\":\"\xC3\xA9\"}", "{\"access_token\":\"a\x01\"}",
        R"({"access_token":5})", R"({"access_token":null})", R"({"access_token":["abc"]})", R"({})"})
    EXPECT_EQ(taken(json, "access_token"), "") << json;
}

TEST(JsonReply, TokenOf64KiB_IsTheLimit) {
  EXPECT_EQ(taken(concat("{\"access_token\":\"", std::string(kMaxTokenBytes, 'a'), "\"}"), "access_token").size(),
            kMaxTokenBytes);
  EXPECT_EQ(taken(concat("{\"access_token\":\"", std::string(kMaxTokenBytes + 1, 'a'), "\"}"), "access_token"), "");
}

TEST(JsonReply, TokensElsewhere_AreNotTaken) {
  EXPECT_EQ(taken(R"({"x":{"access_token":"inner"}})", "access_token"), "");
  EXPECT_EQ(taken(R"({"x":[{"access_token":"inner"}]})", "access_token"), "");
  EXPECT_EQ(taken(R"({"hint":"access_token","x":"y"})", "access_token"), "");
  EXPECT_EQ(taken(R"({"x":"\"access_token\":\"quoted\""})", "access_token"), "");
  EXPECT_EQ(taken(R"({"x":{"access_token":"inner"}, "access_token" : "outer"})", "access_token"), "outer");
}

TEST(JsonReply, TwoOfOneName_TheLastCounts) { // as most parsers do, RFC 8259 §4
  EXPECT_EQ(taken(R"({"access_token":"one","access_token":"two"})", "access_token"), "two");
}

TEST(JsonReply, NameSpelledWithEscapes_IsRefused) {
  JsonReply reply = JsonReply::parse(R"({"access\u005ftoken":"abc"})");
  EXPECT_FALSE(reply.is_object());
  EXPECT_TRUE(reply.take_secret("access_token").empty());
}

TEST(JsonReply, CutAfterTheToken_KeepsIt) {
  JsonReply reply = JsonReply::parse(R"({"refresh_token":"whole","access_token":"cut of)");
  EXPECT_FALSE(reply.is_object());
  EXPECT_EQ(reply.take_secret("refresh_token").reveal(), "whole");
  EXPECT_TRUE(reply.take_secret("access_token").empty());
}

} // namespace
} // namespace mailmoor::oauth
