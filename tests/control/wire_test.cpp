#include "control/wire.h"

#include "control/fake_operations.h"
#include "control/problem.h"
#include "util/concat.h"

#include <gtest/gtest.h>

namespace mailmoor::control {
namespace {

using std::chrono::seconds;
using supervisor::AppStatus;
using supervisor::FleetStatus;
using supervisor::LoginEvent;
using supervisor::MailboxState;
using supervisor::MailboxStatus;
using supervisor::ReloadReport;

const UnixTime kTime{seconds(1'700'000'000)};

FleetStatus full_status() {
  FleetStatus fleet;
  fleet.version = "0.1.0";
  fleet.started_at = kTime;
  fleet.key_source = "credential mailmoor.key";
  fleet.summary = "1 idle";
  AppStatus& app = fleet.apps.emplace_back();
  app.name = "contoso";
  app.state = AppStatus::State::kRefused;
  app.reason = "secret expired";
  app.remedy = "make a new one";
  app.retry_at = kTime + seconds(3600);
  app.mailboxes = 1;
  MailboxStatus& alice = fleet.mailboxes.emplace_back();
  alice.name = "alice";
  alice.app = "contoso";
  alice.login_user = "al";
  alice.state = MailboxState::kThrottled;
  alice.since = kTime;
  alice.reason = "server busy";
  alice.remedy = "wait";
  alice.retry_at = kTime + seconds(60);
  alice.last_sync = kTime - seconds(60);
  alice.messages = 7;
  alice.behind = 3;
  alice.messages_per_second = 0.5;
  alice.rate_limit = 2.5;
  alice.daily_bytes = 1000;
  alice.daily_bytes_used = 900;
  alice.messages_fetched = 5;
  alice.octets_fetched = 6000;
  alice.poison.push_back({"INBOX", 9, "no body", kTime});
  alice.token_expires_at = kTime + seconds(3600);
  alice.too_large.push_back({"INBOX", 11, 200'000'000});
  alice.folders.push_back({"Gelöscht", "/m/.Gel", true, "default", 7, 3, 12, 1, kTime});
  return fleet;
}

TEST(Wire, Status_IsSpelledAsInTheContract) {
  EXPECT_EQ(to_json(full_status()),
            R"({"version":"0.1.0","started_at":"2023-11-14T22:13:20Z","key_source":"credential mailmoor.key",)"
            R"("summary":"1 idle","apps":[{"name":"contoso","state":"refused","reason":"secret expired",)"
            R"("remedy":"make a new one","retry_at":"2023-11-14T23:13:20Z","mailboxes":1}],)"
            R"("mailboxes":[{"name":"alice","app":"contoso","login_user":"al",)"
            R"("state":"throttled","since":"2023-11-14T22:13:20Z",)"
            R"("reason":"server busy","remedy":"wait","retry_at":"2023-11-14T22:14:20Z",)"
            R"("last_sync":"2023-11-14T22:12:20Z","messages":7,"behind":3,"messages_per_second":0.5,)"
            R"("rate_limit":2.5,"daily_bytes":1000,"daily_bytes_used":900,)"
            R"("messages_fetched":5,"octets_fetched":6000,)"
            R"("poison":[{"folder":"INBOX","uid":9,"reason":"no body","retry_at":"2023-11-14T22:13:20Z"}],)"
            R"("too_large":[{"folder":"INBOX","uid":11,"size":200000000}],)"
            R"("token_expires_at":"2023-11-14T23:13:20Z","folders":[{"name":"Gelöscht","directory":"/m/.Gel",)"
            R"("chosen":true,"why":"default","messages":7,"behind":3,"too_old":12,"too_large":1,)"
            R"("last_sync":"2023-11-14T22:13:20Z"}]}]})");
}

TEST(Wire, Status_ComesBackAsItWas) {
  const std::string json = to_json(full_status());
  const auto read = fleet_status_from_json(json);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_json(*read), json);
}

TEST(Wire, EveryState_ComesBack) {
  for (int i = 0; i <= static_cast<int>(MailboxState::kFailed); ++i) {
    MailboxStatus status;
    status.name = "a";
    status.state = static_cast<MailboxState>(i);
    const auto read = mailbox_status_from_json(to_json(status));
    ASSERT_TRUE(read) << i;
    EXPECT_EQ(read->state, status.state);
  }
}

TEST(Wire, AbsentTimes_AreNull) {
  MailboxStatus status;
  status.name = "a";
  const std::string json = to_json(status);
  for (const auto member : {"\"retry_at\":null", "\"last_sync\":null", "\"token_expires_at\":null"})
    EXPECT_NE(json.find(member), std::string::npos) << member;
  EXPECT_EQ(mailbox_status_from_json(json)->retry_at, std::nullopt);
}

TEST(Wire, BytesThatAreNotUtf8_AreReplacedAndNotThrown) {
  MailboxStatus status;
  status.name = "a";
  status.reason = "\xff!";
  EXPECT_EQ(mailbox_status_from_json(to_json(status))->reason, "\xef\xbf\xbd!");
}

TEST(Wire, LoginEvents_AreSpelledAsInTheContract) {
  LoginEvent event = prompt("AB-CD");
  event.expires_at = kTime;
  EXPECT_EQ(to_json(event),
            R"({"event":"prompt","mailbox":"alice","verification_uri":"https://x/device","user_code":"AB-CD",)"
            R"("expires_at":"2023-11-14T22:13:20Z","flow":"device"})");
  EXPECT_EQ(to_json(signed_in()), R"({"event":"signed_in","mailbox":"alice"})");
  EXPECT_EQ(to_json(login_failed("expired")),
            R"({"event":"failed","mailbox":"alice","error":"expired","remedy":"again"})");
  LoginEvent link = login_event(LoginEvent::Kind::kPrompt);
  link.flow = supervisor::LoginFlow::kPaste;
  link.authorization_url = "https://x/auth?a=b";
  link.note = "no device code";
  link.user_code = "not for this flow";
  EXPECT_EQ(to_json(link), R"({"event":"prompt","mailbox":"alice","authorization_url":"https://x/auth?a=b",)"
                           R"("expires_at":null,"flow":"paste","note":"no device code"})");
}

TEST(Wire, LoginEventOfAnUnknownFlow_IsRefused) {
  for (const auto flow : {"", "magic"})
    EXPECT_FALSE(login_event_from_json(concat(R"({"event":"prompt","mailbox":"a","flow":")", flow, "\"}"))) << flow;
}

TEST(Wire, LoginEvents_ComeBack) {
  for (const auto json :
       {R"({"event":"prompt","mailbox":"a","verification_uri":"u","user_code":"c","expires_at":null,"flow":"device"})",
        R"({"event":"prompt","mailbox":"a","authorization_url":"u","expires_at":null,"flow":"browser","note":"n"})",
        R"({"event":"signed_in","mailbox":"a"})",
        R"({"event":"failed","mailbox":"a","error":"e","remedy":"r","code":"login_declined"})"}) {
    const auto event = login_event_from_json(json);
    ASSERT_TRUE(event) << json;
    EXPECT_EQ(to_json(*event), json);
  }
}

TEST(Wire, ReloadFoldersAndVersions_ComeBack) {
  const std::string report = to_json(ReloadReport{.added = {"a"}, .changed = {}, .removed = {"b", "c"}, .errors = {}});
  EXPECT_EQ(report, R"({"added":["a"],"changed":[],"removed":["b","c"]})");
  EXPECT_EQ(to_json(*reload_report_from_json(report)), report);
  const std::string folders = to_json(full_status().mailboxes.front().folders);
  EXPECT_EQ(to_json(*folders_from_json(folders)), folders);
  const std::string versions = to_json(Versions{"1", {{"libuv", "1.44"}, {"zlib", "1.2"}}});
  EXPECT_EQ(versions, R"({"version":"1","parts":{"libuv":"1.44","zlib":"1.2"}})");
  EXPECT_EQ(to_json(*versions_from_json(versions)), versions);
}

TEST(Wire, KeyRotation_ComesBack) {
  const std::string json = R"({"key_source":"file /k","values":5,"unreadable":1,"next":"n"})";
  const auto rotation = key_rotation_from_json(json);
  ASSERT_TRUE(rotation);
  EXPECT_EQ(to_json(*rotation), json);
  EXPECT_FALSE(key_rotation_from_json(R"({"values":"many"})"));
}

TEST(Wire, UnknownMembers_AreIgnored) {
  EXPECT_TRUE(mailbox_status_from_json(R"({"name":"a","state":"idle","mood":"good"})"));
}

TEST(Wire, WrongDocuments_AreRefused) {
  for (const auto json :
       {"", "{", "[]", "7", "null", R"({"name":7,"state":"idle"})", R"({"name":"a","state":"asleep"})",
        R"({"name":"a"})", R"({"state":"idle"})", R"({"name":"a","state":"idle","messages":-1})",
        R"({"name":"a","state":"idle","messages":"1"})", R"({"name":"a","state":"idle","poison":{}})",
        R"({"name":"a","state":"idle","poison":[{"uid":4294967296}]})", R"({"name":"a","state":"idle","folders":[7]})",
        R"({"name":"a","state":"idle","since":"yesterday"})"})
    EXPECT_FALSE(mailbox_status_from_json(json)) << json;
}

TEST(Wire, WrongTimes_AreRefused) {
  for (const auto time :
       {"2023-11-14T22:13:20", "2023-11-14 22:13:20Z", "2023-13-14T22:13:20Z", "2023-02-29T22:13:20Z",
        "2023-11-14T24:13:20Z", "2023-11-14T22:60:20Z", "2023-11-14T22:13:61Z", "2023-11-14T22:13:20Zx",
        "-023-11-14T22:13:20Z", "2023-+1-14T22:13:20Z", "2023-11-14T22:13:20+01:00", ""})
    EXPECT_FALSE(mailbox_status_from_json(std::string(R"({"name":"a","state":"idle","since":")") + time + "\"}"))
        << time;
}

TEST(Problem, Document_ComesBackAsItWas) {
  Problem problem = problem_from(Error(ErrorKind::kOperator, "needs_login", "alice is not signed in", "sign in"));
  problem.mailbox = "alice";
  problem.state = "needs_login";
  problem.errors = {"f:1:2: x"};
  const std::string json = to_json(problem);
  EXPECT_EQ(json, R"({"type":"urn:mailmoor:problem:needs_login","title":"Conflict","status":409,)"
                  R"("detail":"alice is not signed in","remedy":"sign in","mailbox":"alice","state":"needs_login",)"
                  R"("errors":["f:1:2: x"]})");
  const auto read = problem_from_json(json);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_json(*read), json);
}

TEST(Problem, StatusFollowsTheKind) {
  EXPECT_EQ(problem_from(Error(ErrorKind::kBug, "x", "")).status, 500);
  EXPECT_EQ(problem_from(Error(ErrorKind::kHost, "x", "")).status, 502);
  EXPECT_EQ(problem_from(Error(ErrorKind::kApp, "x", "")).status, 502);
}

TEST(Problem, OtherDocuments_AreRefused) {
  for (const auto json :
       {"", "{}", R"({"type":"about:blank","status":404})", R"({"type":"urn:mailmoor:problem:x","status":200})",
        R"({"type":"urn:mailmoor:problem:x","status":"404"})"})
    EXPECT_FALSE(problem_from_json(json)) << json;
}

} // namespace
} // namespace mailmoor::control
