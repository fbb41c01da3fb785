#include "oauth/redirect_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using testing::HasSubstr;

std::string what_is_wrong(std::string_view text) {
  const auto reply = parse_redirect(text);
  if (reply) return "nothing";
  EXPECT_EQ(reply.error().kind, ErrorKind::kOperator);
  EXPECT_EQ(reply.error().code, "redirect_not_understood");
  EXPECT_FALSE(reply.error().remedy.empty());
  return reply.error().what;
}

struct Form {
  const char* name;
  const char* text;
};

class PastedForm : public testing::TestWithParam<Form> {};

TEST_P(PastedForm, AnyUsualOne_IsUnderstood) {
  const auto reply = parse_redirect(GetParam().text);
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->code.reveal(), "4/0AX_y-z");
  EXPECT_EQ(reply->state.reveal(), "st-1");
  EXPECT_EQ(reply->error, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, PastedForm,
    testing::Values(Form{"address", "http://127.0.0.1:4711/?code=4%2F0AX_y-z&state=st-1"},
                    Form{"unescaped", "http://localhost:4711?state=st-1&code=4/0AX_y-z&scope=https://mail.google.com/"},
                    Form{"query", "code=4%2F0AX_y-z&state=st-1"}, Form{"queryWithMark", "?code=4%2f0AX_y-z&state=st-1"},
                    Form{"pathAndQuery", "/?code=4%2F0AX_y-z&state=st-1"},
                    Form{"blanks", "  \thttp://127.0.0.1:1/?code=4%2F0AX_y-z&state=st-1 \r\n"},
                    Form{"wrapped", "http://127.0.0.1:1/?code=4%2F0A\n   X_y-z&sta\r\nte=st-1\n"},
                    Form{"quoted", "'http://127.0.0.1:1/?code=4%2F0AX_y-z&state=st-1'"},
                    Form{"angles", "<http://127.0.0.1:1/?code=4%2F0AX_y-z&state=st-1>"},
                    Form{"fragment", "http://127.0.0.1:1/?code=4%2F0AX_y-z&state=st-1#"},
                    Form{"emptyFields", "?&&code=4%2F0AX_y-z&&state=st-1&x&"},
                    Form{"more", "http://localhost/?code=4%2F0AX_y-z&state=st-1&session_state=b1c2&client_info=ey"}),
    [](const auto& row) { return row.param.name; });

TEST(RedirectReply, Error_ComesWithItsDescription) { // RFC 6749 §4.1.2.1
  const auto reply =
      parse_redirect("http://localhost/?error=access_denied&error_description=the+user+said%0D%0Ano%21&state=st-1");
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->code.empty());
  EXPECT_EQ(reply->error, "access_denied");
  EXPECT_EQ(reply->error_description, "the user said\r\nno!");
}

TEST(RedirectReply, Issuer_IsKeptAsItIs) { // RFC 9207 §2
  const auto reply = parse_redirect("?code=x&state=y&iss=https%3A%2F%2Fhonest.as.example");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->issuer, "https://honest.as.example");
}

TEST(RedirectReply, WhatIsWrong_IsSaidToTheOneWhoCopied) {
  EXPECT_THAT(what_is_wrong(""), HasSubstr("nothing"));
  EXPECT_THAT(what_is_wrong(" \n "), HasSubstr("nothing"));
  EXPECT_THAT(what_is_wrong("4/0AX_y-z"), HasSubstr("no address"));
  EXPECT_THAT(what_is_wrong("http://127.0.0.1/?code=x"), HasSubstr("end is missing"));
  EXPECT_THAT(what_is_wrong("http://127.0.0.1/?state=x"), HasSubstr("neither"));
  EXPECT_THAT(what_is_wrong("?code=&state=x"), HasSubstr("empty"));
  EXPECT_THAT(what_is_wrong("?code=x&state="), HasSubstr("no state"));
  EXPECT_THAT(what_is_wrong("?error=%E2%80%8B&state=x"), HasSubstr("error is empty")); // a zero-width space
  EXPECT_THAT(what_is_wrong("?code=x&error=y&state=z"), HasSubstr("both"));
  EXPECT_THAT(what_is_wrong("?code=x&state=y&code=z"), HasSubstr("twice")); // RFC 6749 §3.1
  EXPECT_THAT(what_is_wrong("?code=x%4&state=y"), HasSubstr("percent"));
  EXPECT_THAT(what_is_wrong("?code=x%zz&state=y"), HasSubstr("percent"));
  EXPECT_THAT(what_is_wrong("?code=x%00&state=y"), HasSubstr("odd"));
  EXPECT_THAT(what_is_wrong("?code=x\x80&state=y"), HasSubstr("characters"));
  EXPECT_THAT(what_is_wrong("https://id.example/auth?response_type=code&client_id=c&state=y"),
              HasSubstr("address to open"));
}

TEST(RedirectReply, OversizedParts_AreRefused) {
  const std::string code(kMaxCodeBytes, 'c');
  EXPECT_TRUE(parse_redirect("?state=s&code=" + code));
  EXPECT_THAT(what_is_wrong("?state=s&code=c" + code), HasSubstr("too long"));
  EXPECT_THAT(what_is_wrong("?code=c&state=" + std::string(257, 's')), HasSubstr("too long"));
  EXPECT_THAT(what_is_wrong(std::string(kMaxRedirectBytes + 1, ' ')), HasSubstr("longer"));
}

// A cut address is told from a whole one unless its code itself is whole by chance.
TEST(RedirectReply, EveryPrefix_IsRefusedUntilTheStateBegins) {
  const std::string whole = "http://127.0.0.1:1/?code=abc&state=st-1";
  for (std::size_t size = 0; size <= whole.find("state=") + 6; ++size)
    EXPECT_FALSE(parse_redirect(whole.substr(0, size))) << size;
}

} // namespace
} // namespace mailmoor::oauth
