#include "mailbox/examination.h"

#include "mailbox/token_world.h"
#include "support/imap_server.h"
#include "util/base64.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <gmock/gmock.h>
#include <optional>
#include <sys/stat.h>

namespace mailmoor::mailbox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Outcome = CheckResult::Outcome;
using mailmoor::testing::ImapServer;

std::string jwt(std::string_view payload) {
  return concat(base64url_encode(R"({"alg":"RS256"})"), ".", base64url_encode(payload), ".c2lnbmF0dXJlLXNpZ25hdHVyZQ");
}

// RFC 9110 §5.6.7
std::string http_date(UnixTime time) {
  const std::time_t since_1970 = time.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&since_1970, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

class ExaminationTest : public TokenWorld {
 protected:
  ExaminationTest() {
    std::ofstream(world.directory / "ca.pem") << imap.authority_pem();
    examined.mailbox = "alice";
    examined.user = "alice@example.com";
    examined.connection.host = "127.0.0.1";
    examined.connection.port = imap.port();
    examined.connection.trust = net::Trust::load_blocking(world.directory / "ca.pem").value();
    examined.maildir = world.directory / "mail";
    examined.state_dir = world.directory.path();
    examined.key_source = "a test";
    examined.token.service = oauth::MailService::kExchange;
    examined.token.mailbox = "alice";
    examined.token.user = examined.token.login_user = "alice@example.com";
    server.answer = [this](const HttpServer::Request&) {
      return HttpServer::json(405, "{}", concat("Date: ", http_date(world.now() + clock_offset), "\r\n"));
    };
    MailboxSettings of_mailbox;
    of_mailbox.name = "alice";
    life.emplace(world.services, std::move(of_mailbox), nullptr, [] { return at_once(); });
  }

  // Examines with the token `access` in the vault; empty: nobody has signed in.
  void examine(std::string_view access) {
    if (!access.empty()) store_token(access, "refresh", world.now());
    start();
    run(client.get(), keeper.get());
  }
  void examine_by_password(Secret password) {
    secret_ = std::move(password);
    examined.read_password_blocking = [this] { return Result<Secret>(secret_.clone()); };
    run(nullptr, nullptr);
  }
  void run(OauthClient* with_client, TokenKeeper* with_keeper) {
    results.clear();
    Examination examination(
        world.services, examined, *life, with_client, with_keeper, [] { return at_once(); },
        [this](const CheckResult& result) { results.push_back(result); });
    runtime::TaskRunner<void> runner;
    bool over = false;
    runner.start(examination.run(), [&over] { over = true; });
    EXPECT_TRUE(results.empty()); // never from inside the call
    ASSERT_TRUE(world.until([&over] { return over; }));
  }

  [[nodiscard]] const CheckResult& of(std::string_view check) const {
    static const CheckResult kNone{.mailbox = "", .check = "none", .found = "", .remedy = ""};
    const auto found = std::ranges::find(results, check, &CheckResult::check);
    return found == results.end() ? kNone : *found;
  }
  [[nodiscard]] std::vector<std::string> checks(Outcome outcome) const {
    std::vector<std::string> names;
    for (const CheckResult& result : results)
      if (result.outcome == outcome) names.push_back(result.check);
    return names;
  }
  [[nodiscard]] static runtime::Task<void> at_once() { co_return; }

  ImapServer imap{world.loop};
  ExaminationSettings examined;
  std::optional<Mailbox> life;
  std::vector<CheckResult> results;
  std::chrono::seconds clock_offset{0};

 private:
  Secret secret_;
};

constexpr std::string_view kGoodClaims =
    R"({"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","upn":"alice@example.com"})";

TEST_F(ExaminationTest, AllIsWell_EveryCheckIsGoodAndInOrder) {
  imap.folders["Sent"] = {};
  imap.folders["INBOX"].deliver("Subject: a\r\n\r\n");
  examine(jwt(kGoodClaims));
  std::vector<std::string> names;
  for (const CheckResult& result : results)
    names.push_back(result.check);
  EXPECT_THAT(names, ElementsAre("clock", "names", "connect", "tls", "greeting", "token_endpoint", "token",
                                 "token_audience", "token_permission", "token_user", "login", "inbox", "folders",
                                 "maildir", "state_dir", "key"));
  EXPECT_THAT(checks(Outcome::kFailed), IsEmpty());
  EXPECT_THAT(checks(Outcome::kSkipped), IsEmpty());
  EXPECT_THAT(of("tls").found, HasSubstr("TLSv1.3"));
  EXPECT_THAT(of("greeting").found, HasSubstr("XOAUTH2"));
  EXPECT_THAT(of("inbox").found, HasSubstr("1 messages"));
  EXPECT_THAT(of("folders").found, HasSubstr("2 of 2 folders are chosen: INBOX, Sent"));
  EXPECT_EQ(imap.asked("LOGOUT"), 1U);
  EXPECT_EQ(imap.asked("SELECT"), 0U);
  EXPECT_EQ(server.requests.size(), 1U); // the look at the token endpoint, and no refresh
  for (const CheckResult& result : results)
    EXPECT_THAT(result.found + result.remedy, Not(HasSubstr("c2lnbmF0dXJl")));
}

TEST_F(ExaminationTest, NobodyHasSignedIn_OnlyTheLoginIsMissing) {
  examine("");
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("token"));
  EXPECT_TRUE(of("token").needs_login);
  EXPECT_THAT(of("token").remedy, HasSubstr("mailmoorctl login alice"));
  EXPECT_THAT(checks(Outcome::kSkipped), ElementsAre("login", "inbox", "folders"));
  EXPECT_EQ(imap.asked("AUTHENTICATE"), 0U);
}

TEST_F(ExaminationTest, GraphToken_IsToldBeforeTheRefusedLogin) {
  imap.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("AUTHENTICATE")) return {};
    return "%t NO AUTHENTICATE failed.\r\n";
  };
  examine(jwt(R"({"aud":"https://graph.microsoft.com","scp":"IMAP.AccessAsUser.All","upn":"alice@example.com"})"));
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("token_audience", "login"));
  EXPECT_THAT(of("login").remedy, HasSubstr("see above"));
  EXPECT_THAT(checks(Outcome::kSkipped), ElementsAre("inbox", "folders"));
}

TEST_F(ExaminationTest, AppOnlyTokenThatIsRefused_NamesTheServicePrincipal) {
  imap.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("EXAMINE")) return {};
    return "%t BAD User is authenticated but not connected.\r\n";
  };
  examine(jwt(
      R"({"aud":"https://outlook.office365.com","roles":["IMAP.AccessAsApp"],"idtyp":"app","appid":"a1","oid":"o1"})"));
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("inbox"));
  EXPECT_THAT(of("inbox").remedy, HasSubstr("New-ServicePrincipal -AppId a1 -ObjectId o1"));
}

TEST_F(ExaminationTest, OpaqueToken_SaysSo) {
  examine("EwB4A8l6BAAUopaque");
  EXPECT_THAT(of("token").found, HasSubstr("opaque"));
  EXPECT_THAT(of("token").found, Not(HasSubstr("EwB4")));
  EXPECT_THAT(checks(Outcome::kFailed), IsEmpty());
}

TEST_F(ExaminationTest, WrongName_SkipsWhatNeedsASession) {
  examined.connection.host = "localhost"; // the certificate is for 127.0.0.1
  examine(jwt(kGoodClaims));
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("tls"));
  EXPECT_THAT(of("tls").found, HasSubstr("hostname mismatch"));
  EXPECT_THAT(checks(Outcome::kSkipped), ElementsAre("greeting", "login", "inbox", "folders"));
}

TEST_F(ExaminationTest, ClosedPort_IsToldWithItsReason) {
  examined.connection.port = 1; // tcpmux, on no machine of today
  examine(jwt(kGoodClaims));
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("connect"));
  EXPECT_THAT(of("connect").found, HasSubstr("refused"));
  EXPECT_THAT(of("connect").remedy, HasSubstr("port 1"));
}

TEST_F(ExaminationTest, ImposedPauseOfTheServer_SendsNothingToIt) {
  Error pause(ErrorKind::kMailbox, "throttled", "Request is throttled");
  pause.imposed_wait = std::chrono::minutes(5);
  life->heed_pause(pause);
  examine(jwt(kGoodClaims));
  EXPECT_EQ(imap.connections, 0);
  EXPECT_THAT(checks(Outcome::kSkipped), ElementsAre("connect", "tls", "greeting", "login", "inbox", "folders"));
  ASSERT_TRUE(life->imposed_pause());
  EXPECT_GE(*life->imposed_pause(), world.now() + std::chrono::minutes(5));
  EXPECT_THAT(of("connect").found, HasSubstr(to_rfc3339(*life->imposed_pause())));
}

TEST_F(ExaminationTest, PauseThatItMeets_HoldsForTheMailbox) {
  imap.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("EXAMINE")) return {};
    return "%t NO Request is throttled. Suggested Backoff Time: 60000 milliseconds\r\n";
  };
  examine(jwt(kGoodClaims));
  EXPECT_THAT(checks(Outcome::kFailed), IsEmpty());
  EXPECT_THAT(checks(Outcome::kSkipped), ElementsAre("inbox", "folders"));
  EXPECT_EQ(imap.asked("LIST"), 0U);
  ASSERT_TRUE(life->imposed_pause());
  // Rounded up to whole seconds.
  EXPECT_LE(*life->imposed_pause() - world.now(), std::chrono::seconds(61));
}

TEST_F(ExaminationTest, PauseOfTheTokenEndpoint_HoldsForTheKeeperAndIsObeyed) {
  server.answer = [](const HttpServer::Request&) { return HttpServer::json(429, "{}", "Retry-After: 120\r\n"); };
  examine(jwt(kGoodClaims));
  EXPECT_EQ(of("token_endpoint").outcome, Outcome::kDoubtful);
  ASSERT_TRUE(keeper->imposed_pause());
  EXPECT_TRUE(client->gate().imposed_pause());
  const std::size_t asked = server.requests.size();
  run(client.get(), keeper.get());
  EXPECT_EQ(server.requests.size(), asked);
  EXPECT_EQ(of("token_endpoint").outcome, Outcome::kSkipped);
  EXPECT_EQ(of("token").outcome, Outcome::kGood); // the one that is there lives
}

TEST_F(ExaminationTest, ClockThatIsOff_IsTold) {
  for (const auto& [offset, outcome] : {std::pair(5, Outcome::kGood), std::pair(-5, Outcome::kGood),
                                        std::pair(120, Outcome::kDoubtful), std::pair(-3600, Outcome::kFailed)}) {
    clock_offset = std::chrono::seconds(offset);
    examine(jwt(kGoodClaims));
    EXPECT_EQ(of("clock").outcome, outcome) << offset << of("clock").found;
  }
  EXPECT_THAT(of("clock").found, HasSubstr("ahead"));
}

TEST_F(ExaminationTest, Password_NeedsNoToken) {
  examine_by_password(Secret("pw"));
  EXPECT_THAT(checks(Outcome::kFailed), IsEmpty());
  EXPECT_THAT(checks(Outcome::kSkipped), ElementsAre("clock", "token_endpoint", "token"));
  EXPECT_EQ(imap.asked("AUTHENTICATE"), 1U);
}

TEST_F(ExaminationTest, NoPasswordStored_NeedsALogin) {
  run(nullptr, nullptr);
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("login"));
  EXPECT_TRUE(of("login").needs_login);
}

TEST_F(ExaminationTest, ServerWithoutTokens_FailsAtTheGreeting) {
  imap.capabilities = "IMAP4rev1 AUTH=PLAIN";
  examine(jwt(kGoodClaims));
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("greeting"));
  EXPECT_THAT(of("greeting").found, HasSubstr("AUTH=PLAIN"));
}

TEST_F(ExaminationTest, DirectoryThatCannotBeWritten_IsTold) {
  examined.maildir = "/proc/mailmoor"; // a file system that makes no files, for root neither
  examine(jwt(kGoodClaims));
  EXPECT_THAT(checks(Outcome::kFailed), ElementsAre("maildir"));
  EXPECT_THAT(of("maildir").found, HasSubstr("to be made in /proc"));
}

} // namespace
} // namespace mailmoor::mailbox
