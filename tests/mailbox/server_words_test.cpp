#include "mailbox/server_words.h"

#include <chrono>
#include <gmock/gmock.h>
#include <ostream>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

enum class After { kLogin, kCommand, kFolder, kBye };

struct Saying {
  After after;
  std::string_view words; // "NO [CODE] text", "BAD text", "BYE text"
  ErrorKind kind;
  std::string_view code;
  std::optional<std::chrono::milliseconds> wait = {};
};
void PrintTo(const Saying& row, std::ostream* out) {
  *out << row.words;
}

// As a server of the table said it: status, code in brackets, text.
struct Said {
  explicit Said(std::string_view words) : status(words.substr(0, words.find(' '))) {
    const auto parsed = imap::parse_response_text(words.substr(status.size() + 1));
    text = parsed.text;
    code = parsed.code;
  }
  std::string_view status;
  std::string text;
  std::optional<imap::ResponseCode> code;
};

[[nodiscard]] imap::Completed completed(std::string_view words) {
  const Said said(words);
  const auto status = said.status == "BAD" ? imap::CompletionStatus::kBad : imap::CompletionStatus::kNo;
  imap::Completed made(imap::CommandId(1), status);
  made.text = said.text;
  made.code = said.code;
  return made;
}

[[nodiscard]] Error read(const Saying& row) {
  switch (row.after) {
  case After::kLogin: return login_refused(completed(row.words), "alice@example.com");
  case After::kCommand: return command_refused(completed(row.words), "LIST");
  case After::kFolder: return folder_refused(completed(row.words), "EXAMINE");
  case After::kBye: break;
  }
  const Said said(row.words);
  return session_ended(imap::Bye{said.text, said.code});
}

class ServerWords : public ::testing::TestWithParam<Saying> {};

TEST_P(ServerWords, AreReadAsTheyAreMeant) {
  const Saying& row = GetParam();
  const Error error = read(row);
  EXPECT_EQ(error_kind_name(row.kind), error_kind_name(error.kind));
  EXPECT_EQ(row.code, error.code);
  EXPECT_EQ(row.wait, error.imposed_wait);
  EXPECT_THAT(error.what, HasSubstr(Said(row.words).text)) << "the server's own words belong into the message";
}

constexpr ErrorKind kBug = ErrorKind::kBug;
constexpr ErrorKind kFolder = ErrorKind::kFolder;
constexpr ErrorKind kHost = ErrorKind::kHost;
constexpr ErrorKind kMailbox = ErrorKind::kMailbox;
constexpr ErrorKind kOperator = ErrorKind::kOperator;

INSTANTIATE_TEST_SUITE_P(
    ExchangeOnline, ServerWords,
    ::testing::Values(
        Saying{After::kCommand, "BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", kMailbox,
               "throttled", 299961ms},
        Saying{After::kFolder, "NO Request is throttled. Suggested Backoff Time: 89117 milliseconds", kMailbox,
               "throttled", 89117ms},
        Saying{After::kLogin, "NO request is THROTTLED. suggested backoff time = 1 milliseconds", kMailbox, "throttled",
               1ms},
        Saying{After::kBye, "BYE Request is throttled. Suggested Backoff Time: 5000 milliseconds", kMailbox,
               "throttled", 5000ms},
        Saying{After::kCommand, "BAD Request is throttled. Suggested Backoff Time: 99999999999999999999 milliseconds",
               kMailbox, "throttled", 24h},
        Saying{After::kCommand, "BAD Request is throttled. Suggested Backoff Time: 900000000 milliseconds", kMailbox,
               "throttled", 24h},
        Saying{After::kCommand, "BAD Request is throttled. Suggested Backoff Time: 30 seconds", kMailbox, "throttled",
               30s},
        Saying{After::kCommand, "BAD Request is throttled. Suggested Backoff Time: 50 minutes", kMailbox, "throttled",
               50min},
        Saying{After::kCommand, "BAD Request is throttled. Suggested Backoff Time: soon", kMailbox, "throttled", 1min},
        Saying{After::kCommand, "BAD Request is throttled.", kMailbox, "throttled", 1min},
        Saying{After::kCommand, "BAD Request is throttled, come back in 50 min", kMailbox, "throttled", 50min},
        Saying{After::kFolder, "NO Too busy. Come back in 90 seconds.", kMailbox, "throttled", 90s},
        Saying{After::kBye, "BYE Too many simultaneous connections", kMailbox, "too_many_connections"},
        Saying{After::kLogin, "NO Too many connections", kMailbox, "too_many_connections"},
        Saying{After::kCommand, "BAD User is authenticated but not connected.", kMailbox, "not_connected"},
        Saying{After::kFolder, "BAD User is authenticated but not connected.", kMailbox, "not_connected"},
        Saying{After::kLogin, "NO AUTHENTICATE failed.", kOperator, "auth_rejected"},
        Saying{After::kLogin, "NO LOGIN failed.", kOperator, "auth_rejected"},
        Saying{After::kLogin, "NO Basic authentication is disabled.", kOperator, "auth_rejected"},
        Saying{After::kLogin, "NO Server Unavailable. 15", kMailbox, "server_unavailable"},
        Saying{After::kFolder, "NO Server Unavailable. 15", kFolder, "folder_refused"},
        Saying{After::kFolder, "NO Mailbox isn't selectable", kFolder, "folder_refused"},
        Saying{After::kFolder, "NO The specified message set is invalid.", kFolder, "folder_refused"},
        Saying{After::kLogin, "BAD Command received in Invalid state.", kMailbox, "server_unavailable"},
        Saying{After::kCommand, "BAD Command Error. 10", kBug, "command_refused"},
        Saying{After::kCommand, "BAD Command Argument Error. 12", kBug, "command_refused"},
        Saying{After::kFolder, "BAD Command Argument Error. 11", kFolder, "folder_refused"},
        Saying{After::kBye, "BYE Session invalidated - AccessTokenExpired", kMailbox, "token_expired"},
        Saying{After::kLogin, "NO Session invalidated - AccessTokenExpired", kOperator, "auth_rejected"},
        Saying{After::kBye, "BYE Connection is closed. 13", kHost, "session_expired"},
        Saying{After::kBye, "BYE Connection closed. 14", kHost, "session_closed"},
        Saying{After::kBye, "BYE Microsoft Exchange Server IMAP4 server signing off.", kHost, "session_closed"}));

INSTANTIATE_TEST_SUITE_P(
    Gmail, ServerWords,
    ::testing::Values(
        Saying{After::kLogin, "NO [ALERT] Too many simultaneous connections. (Failure)", kMailbox,
               "too_many_connections"},
        Saying{After::kFolder, "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", kMailbox,
               "over_quota", 1h},
        Saying{After::kLogin, "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", kMailbox,
               "over_quota", 1h},
        Saying{After::kBye, "BYE Account exceeded command or bandwidth limits. (Failure)", kMailbox, "over_quota", 1h},
        Saying{After::kFolder, "NO [THROTTLED] Slow down", kMailbox, "throttled", 1min},
        Saying{After::kLogin, "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", kOperator, "auth_rejected"},
        Saying{After::kLogin, "NO [ALERT] Application-specific password required (Failure)", kOperator,
               "auth_rejected"},
        Saying{After::kFolder, "NO [NONEXISTENT] Unknown Mailbox: Throttled (Failure)", kFolder, "folder_refused"},
        Saying{After::kBye, "BYE Session expired, please login again.", kHost, "session_expired"}));

INSTANTIATE_TEST_SUITE_P(
    DovecotAndOthers, ServerWords,
    ::testing::Values(
        Saying{After::kLogin,
               "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=30)",
               kMailbox, "too_many_connections"},
        Saying{After::kLogin, "NO [UNAVAILABLE] Temporary authentication failure.", kMailbox, "server_unavailable"},
        Saying{After::kLogin, "NO [AUTHENTICATIONFAILED] Authentication failed.", kOperator, "auth_rejected"},
        Saying{After::kLogin, "NO [AUTHORIZATIONFAILED] Not this one.", kOperator, "auth_rejected"},
        Saying{After::kLogin, "NO [EXPIRED] Password expired.", kOperator, "auth_rejected"},
        Saying{After::kLogin, "NO [CONTACTADMIN] Locked.", kOperator, "auth_rejected"},
        Saying{After::kFolder, "NO [SERVERBUG] Internal error occurred.", kFolder, "folder_refused"},
        Saying{After::kFolder, "NO [INUSE] Mailbox is being rebuilt.", kFolder, "folder_refused"},
        Saying{After::kFolder, "NO [NOPERM] Permission denied", kFolder, "folder_refused"},
        Saying{After::kCommand, "NO [SERVERBUG] Internal error occurred.", kMailbox, "server_unavailable"},
        Saying{After::kCommand, "NO [LIMIT] Too fast", kMailbox, "server_unavailable"},
        Saying{After::kCommand, "NO [EXPIRED] Password expired.", kOperator, "command_refused"},
        Saying{After::kCommand, "NO [CONTACTADMIN] Locked.", kOperator, "command_refused"},
        Saying{After::kCommand, "NO [AUTHENTICATIONFAILED] Again, please.", kOperator, "command_refused"},
        Saying{After::kCommand, "NO [INUSE] Later", kMailbox, "server_unavailable"},
        Saying{After::kFolder, "NO [LIMIT] Too many messages", kFolder, "folder_refused"},
        Saying{After::kFolder, "NO [CONTACTADMIN] This folder is broken.", kFolder, "folder_refused"},
        Saying{After::kCommand, "NO What?", kMailbox, "command_refused"},
        Saying{After::kBye, "BYE [UNAVAILABLE] Shutting down", kMailbox, "server_unavailable"},
        Saying{After::kBye, "BYE Disconnected for inactivity.", kHost, "session_expired"}));

TEST(ServerWordsText, PauseIsFoundInTheAnswerToAnyCommand) {
  const auto throttled = pause_in(completed("BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds"));
  ASSERT_TRUE(throttled);
  EXPECT_EQ("throttled", throttled->code);
  EXPECT_EQ(299961ms, throttled->imposed_wait);
  EXPECT_TRUE(pause_in(completed("NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)")));
  for (const std::string_view words :
       {"NO Server Unavailable. 15", "BAD User is authenticated but not connected.", "BAD Command Error. 10",
        "NO [ALERT] Too many simultaneous connections. (Failure)"})
    EXPECT_FALSE(pause_in(completed(words))) << words;
}

TEST(ServerWordsText, ThrottledOk_AsksToSlowDownAndIsNoError) {
  const auto ok = [](std::string_view words) {
    imap::Completed answer = completed(words);
    answer.status = imap::CompletionStatus::kOk;
    return answer;
  };
  EXPECT_TRUE(asks_to_slow_down(ok("OK [THROTTLED] Success")));
  EXPECT_TRUE(asks_to_slow_down(ok("OK FETCH completed [THROTTLED]")));
  EXPECT_FALSE(asks_to_slow_down(ok("OK Success")));
  EXPECT_FALSE(asks_to_slow_down(ok("OK [READ-ONLY] Throttled selected. (Success)"))) << "the name of a folder";
  EXPECT_FALSE(asks_to_slow_down(completed("NO [THROTTLED] Slow down")));
  EXPECT_FALSE(pause_in(ok("OK [THROTTLED] Success")));
}

TEST(ServerWordsText, RemedyFitsTheWords) {
  EXPECT_THAT(login_refused(completed("NO Basic authentication is disabled."), "a").remedy, HasSubstr("OAuth2"));
  EXPECT_THAT(login_refused(completed("NO AUTHENTICATE failed."), "a").remedy, HasSubstr("IMAP is enabled"));
}

TEST(ServerWordsText, ErrorChallengeAndSentCommandAreShown) {
  imap::Completed answer = completed("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)");
  answer.sasl_error = R"({"status":"401","schemes":"bearer"})";
  EXPECT_THAT(login_refused(answer, "alice").what, HasSubstr("401"));
  imap::Completed bad = completed("BAD Command Argument Error. 12");
  bad.command = "LIST \"\" \"*\"";
  EXPECT_THAT(command_refused(bad, "LIST").what, HasSubstr("sent: LIST"));
}

TEST(ServerWordsText, ControlCharactersDoNotGetThrough) {
  imap::Completed answer = completed("NO no");
  answer.text = "no\x1B[2J\r\nfake line";
  answer.sasl_error = "\x07";
  for (const Error& error : {login_refused(answer, "alice"), command_refused(answer, "LIST"),
                             folder_refused(answer, "EXAMINE"), session_ended({answer.text, {}})}) {
    EXPECT_THAT(error.what, Not(HasSubstr("\x1B")));
    EXPECT_THAT(error.what, Not(HasSubstr("\n")));
    EXPECT_THAT(error.what, Not(HasSubstr("\x07")));
  }
}

} // namespace
} // namespace mailmoor::mailbox
