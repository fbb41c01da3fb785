#include "log/redact.h"

#include <gtest/gtest.h>

namespace mailmoor::log {
namespace {

struct Row {
  const char* name;
  const char* text;
  const char* expected; // null: unchanged
};

class Redact : public testing::TestWithParam<Row> {};

TEST_P(Redact, Text_BecomesExpected) {
  const Row& row = GetParam();
  EXPECT_EQ(redact(row.text), row.expected == nullptr ? row.text : row.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Redact,
    testing::Values(
        Row{"Empty", "", ""}, Row{"Prose", "cannot reach imap.example.org: timed out", nullptr},
        Row{"ProseWithSecretWords", "token endpoint: the code is wrong, password: none", nullptr},
        Row{"ErrorCodesStay", "error=invalid_grant AADSTS50173 kind=operator", nullptr},
        Row{"UserCodeIsForDisplay", "user_code=ABCD-EFGH", nullptr},
        Row{"LoginInProse", "the server offers no LOGIN to this user", nullptr},
        Row{"Bearer", "sent Bearer abc.DEF-123_x~y+z/= to host", "sent Bearer *** to host"},
        Row{"BearerAtEnd", "auth=Bearer", "auth=Bearer"}, Row{"BearerCase", "bearer  s3cr3t", "bearer  ***"},
        Row{"BearerInXoauth2",
            "user=a@b\x01"
            "auth=Bearer s3cr3t\x01\x01",
            "user=a@b\x01"
            "auth=Bearer ***\x01\x01"},
        Row{"Authenticate", "C: A7 AUTHENTICATE XOAUTH2 dXNlcj1hbGljZQ==", "C: A7 AUTHENTICATE XOAUTH2 ***"},
        Row{"AuthenticatePlainLower", "a7 authenticate PLAIN AGJvYgBzM2NyM3Q=\r\nnext",
            "a7 authenticate PLAIN ***\r\nnext"},
        Row{"AuthenticateWithoutInitialResponse", "A7 AUTHENTICATE PLAIN\r\n", "A7 AUTHENTICATE PLAIN\r\n"},
        Row{"ContinuationOfXoauth2", "C: dXNlcj1hbGljZUBleGFtcGxl", "C: ***"},
        Row{"ContinuationOfOauthbearer", "C: bixhPWFsaWNlQGV4YW1wbGUs", "C: ***"},
        Row{"TaggedLogin", "C: A2 LOGIN bob \"pass word\"\r\nS: A2 OK", "C: A2 LOGIN ***\r\nS: A2 OK"},
        Row{"AuthorizationHeader", "> Authorization: Basic Zm9vOmJhcg==\r\n> Host: a",
            "> Authorization: ***\r\n> Host: a"},
        Row{"AuthorizationHeaderInJson", R"({"Authorization": "Basic Zm9v"})", R"({"Authorization": "***"})"},
        Row{"ProxyAuthorization", "Proxy-Authorization: x", "Proxy-Authorization: ***"},
        Row{"Form", "grant_type=refresh_token&refresh_token=0.AXoA&client_id=me&client_secret=s~x&scope=a",
            "grant_type=refresh_token&refresh_token=***&client_id=me&client_secret=***&scope=a"},
        Row{"FormCode", "code=0.AXo&code_verifier=v&device_code=d&state=1",
            "code=***&code_verifier=***&device_code=***&state=1"},
        Row{"FormAssertion", "client_assertion=e30.e30.sig next", "client_assertion=*** next"},
        Row{"Json", R"({"access_token":"a\"b","expires_in":3600,"id_token" : "x"})",
            R"({"access_token":"***","expires_in":3600,"id_token" : "***"})"},
        Row{"JsonCut", R"({"refresh_token":"abc)", R"({"refresh_token":"***)"},
        Row{"JsonCutInEscape", R"({"refresh_token":"abc\)", R"({"refresh_token":"***)"},
        Row{"KeyValueQuoted", R"(password="a b" user=bob)", R"(password="***" user=bob)"},
        Row{"EmptyValue", "refresh_token=&scope=a", nullptr},
        Row{"JsonWebToken", "got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln, thanks", "got ***, thanks"},
        Row{"GoogleToken", "got ya29.a0AfH6SMBxyz_123-4", "got ***"},
        Row{"ProxyUrl", "via http://bob:pw@proxy.example:3128/x", "via http://***@proxy.example:3128/x"},
        Row{"PlainUrl", "open https://example.org/a@b", nullptr}),
    [](const testing::TestParamInfo<Row>& row) { return row.param.name; });

TEST(Redact, EveryPrefixOfAForm_NeverShowsTheSecret) {
  const std::string form = "Bearer hunter2hunter2 x client_secret=hunter2hunter2&a=1 \"token\":\"hunter2hunter2\"";
  for (std::size_t size = 0; size <= form.size(); ++size)
    EXPECT_EQ(redact(std::string_view(form).substr(0, size)).find("hunter2"), std::string::npos) << size;
}

} // namespace
} // namespace mailmoor::log
