#include "imap/sasl.h"

#include "imap/conversation.h"
#include "util/base64.h"

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;

std::string initial_response(SaslMechanism mechanism, std::string_view user, std::string_view secret,
                             std::string_view host = "mail.example", std::uint16_t port = 993) {
  const Secret owned(secret);
  const auto response = sasl_initial_response({mechanism, user, owned, host, port});
  return response ? std::string(response->reveal()) : response.error().code;
}

TEST(Sasl, Xoauth2_IsTheVendorsExample) {
  // developers.google.com/workspace/gmail/imap/xoauth2-protocol
  EXPECT_EQ(initial_response(SaslMechanism::kXoauth2, "someuser@example.com",
                             "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMj"
            "l0Q2cBAQ==");
}

TEST(Sasl, Oauthbearer_IsTheRfcsExample) {
  // RFC 7628 §4.1
  EXPECT_EQ(
      initial_response(SaslMechanism::kOauthbearer, "user@example.com",
                       "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "server.example.com", 143),
      "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52"
      "YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB");
}

TEST(Sasl, Oauthbearer_EscapesTheUserName) {
  EXPECT_EQ(base64_decode(initial_response(SaslMechanism::kOauthbearer, "a=b,c", "t")),
            "n,a=a=3Db=2Cc,\x01host=mail.example\x01port=993\x01"
            "auth=Bearer t\x01\x01");
}

TEST(Sasl, Plain_HasNoAuthorizationIdentity) {
  // RFC 4616 §4
  EXPECT_EQ(base64_decode(initial_response(SaslMechanism::kPlain, "tim", "tanstaaftanstaaf")),
            std::string("\0tim\0tanstaaftanstaaf", 21));
}

TEST(Sasl, OctetsThatWouldChangeTheMessage_AreRefused) {
  for (const auto mechanism : {SaslMechanism::kXoauth2, SaslMechanism::kOauthbearer, SaslMechanism::kPlain})
    for (const std::string_view bad : {std::string_view("a\x01"), std::string_view("\r"), std::string_view("a\nb"),
                                       std::string_view("a\0b", 3), std::string_view("")}) {
      EXPECT_EQ(initial_response(mechanism, bad, "secret"), "invalid_credentials");
      EXPECT_EQ(initial_response(mechanism, "user", bad), "invalid_credentials");
    }
  EXPECT_EQ(initial_response(SaslMechanism::kOauthbearer, "user", "t", "host\x01"), "invalid_credentials");
}

TEST(ChooseMechanism, PrefersTokensAndNeverSendsWhatIsNotOffered) {
  const auto choose = [](std::string_view words, bool token, bool password) {
    Capabilities capabilities;
    capabilities.replace(words);
    const auto mechanism = choose_mechanism(capabilities, token, password);
    return mechanism ? sasl_mechanism_name(*mechanism) : "none";
  };
  EXPECT_EQ(choose("AUTH=PLAIN auth=xoauth2 AUTH=OAUTHBEARER", true, true), "XOAUTH2");
  EXPECT_EQ(choose("AUTH=OAUTHBEARER AUTH=PLAIN", true, true), "OAUTHBEARER");
  EXPECT_EQ(choose("AUTH=PLAIN", true, false), "none");
  EXPECT_EQ(choose("AUTH=XOAUTH2 AUTH=PLAIN", false, true), "PLAIN");
  EXPECT_EQ(choose("IMAP4rev1", false, true), "LOGIN");
  EXPECT_EQ(choose("IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED", false, true), "none");
  EXPECT_EQ(choose("AUTH=XOAUTH2", false, false), "none");
}

// Logs in with XOAUTH2 on a server with these capabilities.
struct Login {
  explicit Login(std::string_view capabilities, SaslMechanism mechanism = SaslMechanism::kXoauth2,
                 std::string_view token = "tok") {
    conversation.hear("* OK [CAPABILITY " + std::string(capabilities) + "] hi\r\n");
    const Secret secret(token);
    id = conversation.session.authenticate({mechanism, "u", secret, "h", 993});
  }
  Conversation conversation;
  Result<CommandId> id = CommandId(0);
};

TEST(Authenticate, SaslIr_IsOneLine) {
  Login login("SASL-IR AUTH=XOAUTH2");
  EXPECT_EQ(login.conversation.said(), "A1 AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHRvawEB\r\n");
  EXPECT_THAT(login.conversation.hear("A1 OK in\r\n"), ElementsAre("Completed A1 OK in"));
}

TEST(Authenticate, NoSaslIr_WaitsForTheServer) {
  Login login("AUTH=XOAUTH2");
  EXPECT_EQ(login.conversation.said(), "A1 AUTHENTICATE XOAUTH2\r\n");
  EXPECT_THAT(login.conversation.hear("+ \r\n"), ElementsAre());
  EXPECT_EQ(login.conversation.said(), "dXNlcj11AWF1dGg9QmVhcmVyIHRvawEB\r\n");
  EXPECT_THAT(login.conversation.hear("A1 OK in\r\n"), ElementsAre("Completed A1 OK in"));
}

TEST(Authenticate, LineAbove8kB_TakesTwoSteps) {
  Login fits("SASL-IR", SaslMechanism::kXoauth2, std::string(6000, 't'));
  EXPECT_LE(fits.conversation.said().size(), 8192U);
  Login over("SASL-IR", SaslMechanism::kXoauth2, std::string(6200, 't'));
  EXPECT_EQ(over.conversation.said(), "A1 AUTHENTICATE XOAUTH2\r\n");
  over.conversation.hear("+\r\n");
  EXPECT_GT(over.conversation.said().size(), 8192U);
}

TEST(Authenticate, ErrorChallenge_IsAnsweredAndReported) {
  struct Row {
    SaslMechanism mechanism;
    std::string_view reply;
  };
  for (const Row& row : {Row{SaslMechanism::kXoauth2, "\r\n"}, Row{SaslMechanism::kOauthbearer, "AQ==\r\n"},
                         Row{SaslMechanism::kPlain, "*\r\n"}}) {
    Login login("SASL-IR", row.mechanism);
    login.conversation.said();
    EXPECT_THAT(login.conversation.hear("+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"), ElementsAre());
    EXPECT_EQ(login.conversation.said(), row.reply);
    EXPECT_THAT(login.conversation.hear("A1 NO [AUTHENTICATIONFAILED] no\r\n"),
                ElementsAre("Completed A1 NO [AUTHENTICATIONFAILED] no sasl={\"status\":\"401\"}"));
  }
}

TEST(Authenticate, SecondChallenge_CancelsAndAThirdEnds) {
  Login login("SASL-IR");
  login.conversation.said();
  login.conversation.hear("+ e30=\r\n");
  EXPECT_EQ(login.conversation.said(), "\r\n");
  EXPECT_THAT(login.conversation.hear("+ more\r\n"), ElementsAre());
  EXPECT_EQ(login.conversation.said(), "*\r\n");
  EXPECT_THAT(login.conversation.hear("+ more\r\n"), ElementsAre("Failed protocol_violation"));
}

TEST(Authenticate, ChallengeThatIsNoBase64_IsReportedAsItIs) {
  Login login("SASL-IR");
  login.conversation.hear("+ not base64!\r\n");
  EXPECT_THAT(login.conversation.hear("A1 BAD no\r\n"),
              ElementsAre("Completed A1 BAD no sasl=not base64! command=AUTHENTICATE XOAUTH2 ***"));
}

TEST(Authenticate, BadUser_QueuesNothing) {
  Conversation conversation;
  conversation.hear("* OK hi\r\n");
  const Secret secret("t");
  EXPECT_EQ(conversation.session.authenticate({SaslMechanism::kXoauth2, "a\r\nA2 NOOP", secret, "h"}).error().code,
            "invalid_credentials");
  EXPECT_EQ(conversation.session.login("a\nb", secret).error().code, "invalid_credentials");
  EXPECT_EQ(conversation.said(), "");
  EXPECT_EQ(conversation.session.commands_pending(), 0U);
}

TEST(Authenticate, RefusalBeforeOurMessage_KeepsTheTokenHere) {
  Login login("AUTH=XOAUTH2");
  login.conversation.said();
  EXPECT_THAT(login.conversation.hear("A1 NO not now\r\n"), ElementsAre("Completed A1 NO not now"));
  EXPECT_THAT(login.conversation.hear("+ \r\n"), ElementsAre("Unparsed + "));
  EXPECT_EQ(login.conversation.said(), "");
}

TEST(Authenticate, Capabilities_AreForgottenUnlessSaidAgain) {
  for (const std::string_view again : {"", "* CAPABILITY IDLE\r\n"}) {
    Login login("SASL-IR");
    login.conversation.hear(std::string(again) + "A1 OK in\r\n");
    EXPECT_EQ(login.conversation.session.capabilities().known(), !again.empty());
    EXPECT_EQ(login.conversation.session.capabilities().has("idle"), !again.empty());
  }
  Login coded("SASL-IR");
  coded.conversation.hear("A1 OK [CAPABILITY IMAP4rev1 UIDPLUS] in\r\n");
  EXPECT_TRUE(coded.conversation.session.capabilities().has("UIDPLUS"));
  EXPECT_FALSE(coded.conversation.session.capabilities().has("SASL-IR"));
  Login refused("SASL-IR");
  refused.conversation.hear("A1 NO no\r\n");
  EXPECT_TRUE(refused.conversation.session.capabilities().has("SASL-IR"));
}

} // namespace
} // namespace mailmoor::imap
