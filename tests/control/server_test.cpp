#include "control/server_fixture.h"

#include "control/http_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ServerTest, Health_Follows) {
  EXPECT_EQ(ask("GET", "/health"), 200);
  operations_.is_healthy = false;
  EXPECT_EQ(ask("GET", "/health"), 503);
  EXPECT_EQ(problem().code, "unhealthy");
}

TEST_F(ServerTest, Status_IsTheWholeFleet) {
  EXPECT_EQ(ask("GET", "/v1/status"), 200);
  EXPECT_THAT(client_->received(), HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(client_->body(), HasSubstr(R"("mailboxes":[{"name":"alice")"));
}

TEST_F(ServerTest, Head_HasNoBody) {
  client_ = std::make_unique<UnixClient>(path_);
  client_->request("HEAD", "/v1/status");
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\r\n\r\n"); }));
  EXPECT_EQ(client_->status(), 200);
  EXPECT_EQ(client_->body(), "");
}

TEST_F(ServerTest, Version_NamesThePartsOfTheDaemon) {
  EXPECT_EQ(ask("GET", "/v1/version"), 200);
  EXPECT_EQ(client_->body(), R"({"version":"1.2.3","parts":{"libuv":"1.44"}})");
}

TEST_F(ServerTest, MailboxAndFolders_AreThatMailboxs) {
  EXPECT_EQ(ask("GET", "/v1/mailboxes/alice"), 200);
  EXPECT_THAT(client_->body(), HasSubstr(R"({"name":"alice","app":"","login_user":"","state":"idle")"));
  EXPECT_EQ(ask("GET", "/v1/mailboxes/alice/folders"), 200);
  EXPECT_THAT(client_->body(), HasSubstr(R"({"folders":[{"name":"INBOX")"));
}

TEST_F(ServerTest, UnknownMailbox_IsNotFoundAndNotActedUpon) {
  for (const auto target : {"/v1/mailboxes/bob/pause", "/v1/mailboxes/bob/login", "/v1/mailboxes/bob/sync?wait=1"}) {
    EXPECT_EQ(ask("POST", target), 404);
    EXPECT_EQ(problem().code, "unknown_mailbox");
    EXPECT_EQ(problem().mailbox, "bob");
    EXPECT_NE(problem().remedy, "");
  }
  EXPECT_THAT(operations_.calls, IsEmpty());
}

TEST_F(ServerTest, Metrics_AreOpenMetricsText) {
  operations_.numbers.connections = 3;
  EXPECT_EQ(ask("GET", "/metrics"), 200);
  EXPECT_THAT(client_->received(),
              HasSubstr("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
  EXPECT_THAT(client_->body(), HasSubstr("\nmailmoor_connections 3\n"));
}

TEST_F(ServerTest, Doctor_StreamsChecksAndItsEnd) {
  begin("POST", "/v1/mailboxes/alice/doctor");
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("application/x-ndjson"); }));
  supervisor::CheckResult result;
  result.mailbox = "alice";
  result.check = "tls";
  result.outcome = supervisor::CheckResult::Outcome::kFailed;
  result.found = "expired";
  operations_.examining.on_result(result);
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\"check\":\"tls\",\"outcome\":\"fail\""); }));
  operations_.examining.on_end({});
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\r\n0\r\n\r\n"); }));
  EXPECT_TRUE(client_->has("{\"event\":\"finished\",\"mailbox\":\"alice\"}\n"));
  EXPECT_TRUE(loop_.run_until([this] { return operations_.subscriptions == 0; }));
}

TEST_F(ServerTest, DoctorBrokenOff_SaysWhy) {
  begin("POST", "/v1/mailboxes/alice/doctor");
  operations_.examining.on_end(fail(ErrorKind::kOperator, "reloaded", "reread", "again"));
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\r\n0\r\n\r\n"); }));
  EXPECT_TRUE(client_->has("{\"event\":\"failed\",\"mailbox\":\"alice\",\"error\":\"reread\",\"remedy\":\"again\"}\n"));
}

TEST_F(ServerTest, Verify_StreamsFoldersAndItsEnd) {
  begin("POST", "/v1/mailboxes/alice/verify?deep=1&repair=1");
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("application/x-ndjson"); }));
  EXPECT_TRUE(operations_.verify_request.deep);
  EXPECT_TRUE(operations_.verify_request.repair);
  EXPECT_FALSE(operations_.verify_request.fetch_removed);
  FolderFindings findings;
  findings.folder = "INBOX";
  findings.missing.insert(*Uid::from(7));
  operations_.verifying.on_progress({});
  operations_.verifying.on_folder(findings);
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\"missing\":[7]"); }));
  EXPECT_TRUE(client_->has(R"({"event":"progress","mailbox":"alice",)"));
  VerifySummary summary;
  summary.add(findings);
  operations_.verifying.on_end(summary);
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\r\n0\r\n\r\n"); }));
  EXPECT_TRUE(client_->has(R"({"event":"finished","mailbox":"alice","complete":false,"folders":1,"incomplete":1,)"));
  EXPECT_TRUE(loop_.run_until([this] { return operations_.subscriptions == 0; }));
}

TEST_F(ServerTest, VerifyBrokenOff_SaysWhy) {
  begin("POST", "/v1/mailboxes/alice/verify");
  EXPECT_FALSE(operations_.verify_request.deep);
  operations_.verifying.on_end(fail(ErrorKind::kMailbox, "connection_lost", "gone", "again"));
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\r\n0\r\n\r\n"); }));
  EXPECT_TRUE(
      client_->has(R"({"event":"failed","mailbox":"alice","error":"gone","remedy":"again","code":"connection_lost"})"));
}

TEST_F(ServerTest, OtherPaths_AreProblems) {
  EXPECT_EQ(ask("GET", "/metric"), 404);
  EXPECT_THAT(client_->received(), HasSubstr("Content-Type: application/problem+json\r\n"));
  EXPECT_EQ(problem().code, "not_found");
}

TEST_F(ServerTest, PauseAndResume_AnswerWithTheMailbox) {
  EXPECT_EQ(ask("POST", "/v1/mailboxes/alice/pause"), 200);
  EXPECT_THAT(client_->body(), HasSubstr(R"({"name":"alice")"));
  EXPECT_EQ(ask("POST", "/v1/mailboxes/alice/resume"), 200);
  EXPECT_THAT(operations_.calls, ElementsAre("pause alice", "resume alice"));
}

TEST_F(ServerTest, Refusal_IsAProblemWithTheMailboxsState) {
  operations_.refusal = Error(ErrorKind::kOperator, "needs_login", "not signed in", "sign in");
  operations_.fleet.mailboxes.front().state = supervisor::MailboxState::kNeedsLogin;
  for (const auto verb : {"sync", "sync?wait=1", "pause", "resume", "login", "logout"}) {
    EXPECT_EQ(ask("POST", concat("/v1/mailboxes/alice/", verb)), 409) << verb;
    EXPECT_EQ(problem().code, "needs_login");
    EXPECT_EQ(problem().state, "needs_login");
    EXPECT_EQ(problem().remedy, "sign in");
  }
  EXPECT_EQ(ask("POST", "/v1/mailboxes/alice/password", "x"), 409);
  EXPECT_EQ(operations_.subscriptions, 0);
}

TEST_F(ServerTest, Sync_AnswersWhenStarted) {
  EXPECT_EQ(ask("POST", "/v1/mailboxes/alice/sync"), 202);
  EXPECT_THAT(operations_.calls, ElementsAre("sync alice"));
}

TEST_F(ServerTest, SyncWithWait_AnswersWhenDone) {
  begin("POST", "/v1/mailboxes/alice/sync?wait=1");
  EXPECT_EQ(client_->status(), 0);
  EXPECT_EQ(operations_.subscriptions, 1);
  operations_.done({});
  EXPECT_EQ(wait_for_answer(), 200);
  EXPECT_TRUE(loop_.run_until([this] { return operations_.subscriptions == 0; }));
}

TEST_F(ServerTest, SyncWithWait_ThatFails_IsAProblem) {
  begin("POST", "/v1/mailboxes/alice/sync?wait=1");
  operations_.done(fail(ErrorKind::kHost, "connect_failed", "no route", ""));
  EXPECT_EQ(wait_for_answer(), 502);
  EXPECT_EQ(problem().code, "connect_failed");
}

TEST_F(ServerTest, ClientGoneDuringSync_EndsTheWaiting) {
  begin("POST", "/v1/mailboxes/alice/sync?wait=1");
  client_->close();
  EXPECT_TRUE(loop_.run_until([this] { return operations_.subscriptions == 0; }));
  operations_.done({}); // too late, and harmless
}

TEST_F(ServerTest, WaitingRequest_DoesNotKeepTheLoopBusy) {
  begin("POST", "/v1/mailboxes/alice/sync?wait=1");
  client_->send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); // the next request comes early
  const auto before = loop_.turns();
  const auto until = PollLoop::Clock::now() + std::chrono::milliseconds(200);
  ASSERT_TRUE(loop_.run_until([until] { return PollLoop::Clock::now() >= until; }));
  EXPECT_LT(loop_.turns() - before, 100U); // a turn of PollLoop lasts 5 ms when there is nothing to do
  operations_.done({});
  EXPECT_TRUE(loop_.run_until([this] { return client_->has("healthy"); }));
}

TEST_F(ServerTest, Logout_AnswersWhenTheStoreHasForgotten) {
  begin("POST", "/v1/mailboxes/alice/logout");
  EXPECT_EQ(client_->status(), 0);
  operations_.done({});
  EXPECT_EQ(wait_for_answer(), 200);
}

TEST_F(ServerTest, AnswerAfterTheServerHasGone_IsDropped) {
  begin("POST", "/v1/mailboxes/alice/logout");
  server_.reset();
  operations_.done({});
  EXPECT_TRUE(client_->has("urn:mailmoor:problem:stopping"));
}

TEST_F(ServerTest, Password_ArrivesByteForByte) {
  const std::string password("p\0\xff\r\n w", 7);
  client_ = std::make_unique<UnixClient>(path_);
  client_->request("POST", "/v1/mailboxes/alice/password", password);
  ASSERT_TRUE(loop_.run_until([this] { return static_cast<bool>(operations_.done); }));
  EXPECT_EQ(operations_.password, password);
  operations_.done({});
  EXPECT_EQ(wait_for_answer(), 200);
  EXPECT_THAT(client_->received(), testing::Not(HasSubstr(password)));
}

TEST_F(ServerTest, EmptyPassword_IsRefused) {
  EXPECT_EQ(ask("POST", "/v1/mailboxes/alice/password"), 400);
  EXPECT_THAT(operations_.calls, IsEmpty());
}

TEST_F(ServerTest, Reload_ReportsWhatChanged) {
  begin("POST", "/v1/reload");
  operations_.reloaded({.added = {"bob"}, .changed = {}, .removed = {}, .errors = {}});
  EXPECT_EQ(wait_for_answer(), 200);
  EXPECT_EQ(client_->body(), R"({"added":["bob"],"changed":[],"removed":[]})");
}

TEST_F(ServerTest, ReloadOfABadConfiguration_NamesEachError) {
  begin("POST", "/v1/reload");
  operations_.reloaded({.added = {}, .changed = {}, .removed = {}, .errors = {"m.yaml:3:1: unknown key"}});
  EXPECT_EQ(wait_for_answer(), 422);
  EXPECT_THAT(problem().errors, ElementsAre("m.yaml:3:1: unknown key"));
}

TEST_F(ServerTest, KeyRotation_TakesTheBodyAndTellsTheOutcome) {
  begin("POST", "/v1/key/rotate", "new key");
  EXPECT_EQ(operations_.password, "new key");
  operations_.rotated(KeyRotation{.key_source = "file /k", .values = 5, .unreadable = 1, .next = "n"});
  EXPECT_EQ(wait_for_answer(), 200);
  EXPECT_EQ(client_->body(), R"({"key_source":"file /k","values":5,"unreadable":1,"next":"n"})");
}

TEST_F(ServerTest, KeyRotationThatFails_IsAProblem) {
  begin("POST", "/v1/key/rotate");
  operations_.rotated(fail(ErrorKind::kOperator, "no_new_key", "what was seen", "what to do"));
  EXPECT_EQ(wait_for_answer(), 409);
  EXPECT_EQ(problem().code, "no_new_key");
}

TEST_F(ServerTest, Login_StreamsEventsAsTheyCome) {
  begin("POST", "/v1/mailboxes/alice/login");
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("application/x-ndjson"); }));
  operations_.on_event(prompt("AB-CD"));
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\"user_code\":\"AB-CD\""); }));
  EXPECT_FALSE(client_->has("signed_in"));
  operations_.on_event(signed_in());
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\r\n0\r\n\r\n"); })); // the last chunk
  EXPECT_TRUE(client_->has("{\"event\":\"signed_in\",\"mailbox\":\"alice\"}\n"));
  EXPECT_TRUE(loop_.run_until([this] { return operations_.subscriptions == 0; }));
}

TEST_F(ServerTest, Login_TellsTheFleetHow) {
  begin("POST", "/v1/mailboxes/alice/login");
  EXPECT_EQ(operations_.login_request.flow, supervisor::LoginFlow::kAny);
  EXPECT_EQ(operations_.login_request.redirect_port, 0);
  begin("POST", "/v1/mailboxes/alice/login?flow=browser&redirect_port=4711");
  EXPECT_EQ(operations_.login_request.flow, supervisor::LoginFlow::kBrowser);
  EXPECT_EQ(operations_.login_request.redirect_port, 4711);
}

TEST_F(ServerTest, LoginThatCannotBe_IsRefusedAtOnce) {
  for (const auto query : {"flow=magic", "flow=browser", "flow=browser&redirect_port=0", "redirect_port=70000",
                           "redirect_port=12x", "flow=browser&redirect_port=-1"})
    EXPECT_EQ(ask("POST", concat("/v1/mailboxes/alice/login?", query)), 400) << query;
  EXPECT_TRUE(operations_.calls.empty());
}

TEST_F(ServerTest, AnswerOfABrowser_IsHandedInAndWaitedFor) {
  client_ = std::make_unique<UnixClient>(path_);
  client_->request("POST", "/v1/login", "/?code=c&state=s");
  ASSERT_TRUE(loop_.run_until([this] { return !operations_.calls.empty(); }));
  EXPECT_EQ(operations_.calls.back(), "answer_login /?code=c&state=s");
  EXPECT_FALSE(client_->has_answer());
  operations_.answered(std::string("alice"));
  EXPECT_EQ(wait_for_answer(), 200);
  EXPECT_EQ(client_->body(), R"({"event":"signed_in","mailbox":"alice"})");
}

TEST_F(ServerTest, AnswerThatNobodyWaitsFor_IsAProblem) {
  client_ = std::make_unique<UnixClient>(path_);
  client_->request("POST", "/v1/login", "/?code=c&state=s");
  ASSERT_TRUE(loop_.run_until([this] { return !operations_.calls.empty(); }));
  operations_.answered(fail(ErrorKind::kOperator, "redirect_unknown", "this answers no sign-in", "use the last link"));
  EXPECT_EQ(wait_for_answer(), 409);
  EXPECT_EQ(problem().code, "redirect_unknown");
}

TEST_F(ServerTest, LoginEventsBeforeAnyoneReads_AllArriveInOrder) {
  begin("POST", "/v1/mailboxes/alice/login");
  for (int i = 0; i < 100; ++i)
    operations_.on_event(prompt(std::to_string(i)));
  operations_.on_event(login_failed("declined"));
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("\r\n0\r\n\r\n"); }));
  EXPECT_LT(client_->received().find("\"user_code\":\"98\""), client_->received().find("\"user_code\":\"99\""));
  EXPECT_TRUE(client_->has("\"error\":\"declined\""));
}

TEST_F(ServerTest, ClientGoneDuringLogin_AbandonsIt) {
  begin("POST", "/v1/mailboxes/alice/login");
  operations_.on_event(prompt("AB-CD"));
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("AB-CD"); }));
  EXPECT_EQ(operations_.subscriptions, 1);
  client_->close();
  EXPECT_TRUE(loop_.run_until([this] { return operations_.subscriptions == 0; }));
  operations_.on_event(signed_in()); // too late, and harmless
  EXPECT_EQ(ask("GET", "/health"), 200);
}

TEST_F(ServerTest, StopDuringLogin_EndsTheStreamAndTheLogin) {
  begin("POST", "/v1/mailboxes/alice/login");
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("application/x-ndjson"); }));
  server_.reset();
  EXPECT_EQ(operations_.subscriptions, 0);
  EXPECT_TRUE(client_->is_ended());
  EXPECT_EQ(loop_.size(), 0U);
}

TEST_F(ServerTest, SlowClient_IsServedWithoutHoldingOthersUp) {
  UnixClient slow(path_);
  std::string request = "POST /v1/mailboxes/alice/pause HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  for (const char byte : request) {
    slow.send({&byte, 1});
    EXPECT_EQ(ask("GET", "/health"), 200);
  }
  ASSERT_TRUE(loop_.run_until([&slow] { return slow.has_answer(); }));
  EXPECT_EQ(slow.status(), 200);
}

TEST_F(ServerTest, SeveralRequestsOnOneConnection_AreAnsweredInOrder) {
  client_ = std::make_unique<UnixClient>(path_);
  client_->request("GET", "/health");
  client_->request("GET", "/v1/mailboxes/alice");
  client_->request("GET", "/nothing");
  ASSERT_TRUE(loop_.run_until([this] { return client_->has("not_found"); }));
  EXPECT_LT(client_->received().find("healthy"), client_->received().find("alice"));
}

TEST_F(ServerTest, AnnouncedBodyOverTheLimit_IsRefusedBeforeItIsSent) {
  client_ = std::make_unique<UnixClient>(path_);
  client_->send(
      concat("POST /v1/mailboxes/alice/password HTTP/1.1\r\nHost: x\r\nContent-Length: ", kMaxBody + 1, "\r\n\r\n"));
  EXPECT_EQ(wait_for_answer(), 413);
  EXPECT_THAT(operations_.calls, IsEmpty());
}

TEST_F(ServerTest, ChunkedBodyOverTheLimit_IsRefused) {
  client_ = std::make_unique<UnixClient>(path_);
  client_->send("POST /v1/mailboxes/alice/password HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  std::string rest;
  for (int i = 0; i < 20; ++i)
    rest += chunk;
  rest += "0\r\n\r\n";
  ASSERT_TRUE(loop_.run_until([this, &rest] {
    rest.erase(0, client_->send(rest));
    return client_->has_answer();
  }));
  EXPECT_EQ(client_->status(), 413);
  EXPECT_THAT(operations_.calls, IsEmpty());
}

TEST_F(ServerTest, EndlessBody_IsCutOff) {
  client_ = std::make_unique<UnixClient>(path_);
  client_->send("POST /v1/mailboxes/alice/password HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  std::string rest;
  EXPECT_TRUE(loop_.run_until([this, &rest, &chunk] {
    if (rest.empty()) rest = chunk;
    rest.erase(0, client_->send(rest));
    return client_->is_ended();
  }));
  EXPECT_THAT(operations_.calls, IsEmpty());
}

TEST_F(ServerTest, LongPath_IsRefused) {
  EXPECT_EQ(ask("GET", "/v1/mailboxes/" + std::string(2000, 'a')), 414);
}

TEST_F(ServerTest, NotHttp_IsRefusedAndOthersAreServed) {
  UnixClient confused(path_);
  confused.send("\x16\x03\x01 this is no request\r\n\r\n");
  EXPECT_EQ(ask("GET", "/health"), 200);
  EXPECT_TRUE(loop_.run_until([&confused] { return confused.is_ended(); }));
}

TEST_F(ServerTest, MoreConnectionsThanTheLimit_OthersWaitAndAreServedLater) {
  std::vector<std::unique_ptr<UnixClient>> many;
  for (int i = 0; i < 160; ++i) {
    many.push_back(std::make_unique<UnixClient>(path_));
    loop_.run_until([n = 0]() mutable { return ++n > 2; });
  }
  many.erase(many.begin(), many.begin() + 150);
  EXPECT_EQ(ask("GET", "/health"), 200);
}

TEST_F(ServerTest, Destruction_RemovesTheSocketAndEveryRegistration) {
  EXPECT_EQ(ask("GET", "/health"), 200);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(loop_.size(), 0U);
}

} // namespace
} // namespace mailmoor::control
