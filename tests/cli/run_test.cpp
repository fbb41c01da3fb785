// mailmoorctl from its command line to its exit code, against a scripted daemon.
#include "cli/ctl_fixture.h"
#include "cli/daemon_client.h"
#include "cli/invocation.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace mailmoor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(Ctl, HelpAndVersion_NeedNoDaemon) {
  EXPECT_EQ(run_with({"--help"}), 0);
  EXPECT_THAT(out(), HasSubstr("status"));
  EXPECT_EQ(run_with({"login", "--help"}), 0);
  EXPECT_THAT(out(), HasSubstr("--all-pending"));
  EXPECT_EQ(run_with({"--version"}), 0);
  EXPECT_THAT(out(), HasSubstr("9.9"));
}

TEST_F(Ctl, WrongUsage_Is2) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{},
                                                                     {"dance"},
                                                                     {"--dance"},
                                                                     {"pause"},
                                                                     {"pause", "a", "b"},
                                                                     {"status", "a", "b"},
                                                                     {"login", "--flow", "carrier-pigeon"},
                                                                     {"key"},
                                                                     {"key", "copy"},
                                                                     {"verify", "a", "--fetch-removed"},
                                                                     {"reload", "now"}}) {
    EXPECT_EQ(ctl(arguments), 2) << testing::PrintToString(arguments);
    EXPECT_NE(err(), "");
    EXPECT_EQ(out(), "");
  }
  EXPECT_EQ(ctl({"login", "--all-pending", "alice"}), 2);
  EXPECT_THAT(daemon_.requests(), IsEmpty());
}

TEST_F(Ctl, NoDaemon_Is4AndSaysHowToStartIt) {
  for (const auto& command : {"status", "reload", "sync", "version", "login", "verify"}) {
    EXPECT_EQ(run_with({"--socket", "/nonexistent/control.sock", command}), 4) << command;
    EXPECT_THAT(err(), HasSubstr("/nonexistent/control.sock"));
    EXPECT_THAT(err(), HasSubstr("systemctl start mailmoor"));
  }
  EXPECT_EQ(run_with({"--socket", "/nonexistent/control.sock", "--json", "status"}), 4);
  EXPECT_THAT(out(), StartsWith(R"({"type":"urn:mailmoor:problem:no_daemon")"));
}

TEST_F(Ctl, SocketThatMayNotBeUsed_Is1AndNamesTheGroup) {
  ::chmod(daemon_.socket_path().c_str(), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(100);
    const int exit = ctl({"status"});
    ::_exit(err().find("group mailmoor") == std::string::npos ? 101 : exit);
  }
  int state = -1;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  EXPECT_EQ(WEXITSTATUS(state), 1);
}

TEST_F(Ctl, DaemonThatGoesAwayInTheMiddle_Is4) {
  daemon_.on_raw("GET /v1/status", "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{");
  EXPECT_EQ(ctl({"status"}), 4);
  daemon_.on_raw("POST /v1/reload", "");
  EXPECT_EQ(ctl({"reload"}), 4);
}

TEST_F(Ctl, AnswerThatIsNotUnderstood_Is1) {
  daemon_.on("GET /v1/status", 200, "<html>");
  EXPECT_EQ(ctl({"status"}), 1);
  EXPECT_THAT(err(), HasSubstr("same version"));
  daemon_.on("GET /v1/status", 500, "<html>");
  EXPECT_EQ(ctl({"status"}), 1);
}

TEST_F(Ctl, Status_IsATableForPeopleAndJsonForPrograms) {
  const std::string json = concat("{\"version\":\"1\",\"mailboxes\":[", mailbox_json("alice", "idle"), "]}");
  daemon_.on("GET /v1/status", 200, json);
  EXPECT_EQ(ctl({"status"}), 0);
  EXPECT_THAT(out(), HasSubstr("alice    idle"));
  EXPECT_EQ(ctl({"--json", "status"}), 0);
  EXPECT_EQ(out(), json + '\n');
  EXPECT_EQ(ctl({"status", "--json"}), 0);
  EXPECT_EQ(out(), json + '\n');
}

TEST_F(Ctl, StatusOfOne_HasTheShapeOfStatus) {
  daemon_.on("GET /v1/mailboxes/alice", 200, mailbox_json("alice", "idle"));
  EXPECT_EQ(ctl({"status", "alice"}), 0);
  EXPECT_THAT(out(), StartsWith("alice: idle"));
  EXPECT_EQ(ctl({"status", "alice", "--json"}), 0);
  EXPECT_EQ(out(), concat("{\"mailboxes\":[", mailbox_json("alice", "idle"), "]}\n"));
}

TEST_F(Ctl, Problem_IsToldWithItsRemedyAnd1) {
  daemon_.on("POST /v1/mailboxes/bob/pause", 404, problem_json("unknown_mailbox", 404));
  EXPECT_EQ(ctl({"pause", "bob"}), 1);
  EXPECT_EQ(err(), "mailmoorctl: what was seen\n  → what to do\n");
  EXPECT_EQ(ctl({"--json", "pause", "bob"}), 1);
  EXPECT_EQ(out(), problem_json("unknown_mailbox", 404) + '\n');
}

TEST_F(Ctl, OddMailboxNames_AreEncoded) {
  EXPECT_EQ(DaemonClient::mailbox_path("a/../b c%", "pause"), "/v1/mailboxes/a%2F..%2Fb%20c%25/pause");
  daemon_.on("POST /v1/mailboxes/../pause", 200, mailbox_json("..", "paused"));
  EXPECT_EQ(ctl({"pause", ".."}), 0);
}

TEST_F(Ctl, PauseResumeConfirmLogout_SayWhatWasDone) {
  for (const auto& verb : {"pause", "resume", "confirm", "logout"}) {
    daemon_.on(concat("POST /v1/mailboxes/alice/", verb), 200, mailbox_json("alice", "paused"));
    EXPECT_EQ(ctl({verb, "alice"}), 0);
    EXPECT_THAT(out(), StartsWith("alice: "));
    EXPECT_EQ(ctl({verb, "alice", "--json"}), 0);
    EXPECT_EQ(out(), mailbox_json("alice", "paused") + '\n');
  }
}

TEST_F(Ctl, SyncOfAll_AsksForEachMailbox) {
  daemon_.on("GET /v1/status", 200,
             concat("{\"mailboxes\":[", mailbox_json("a", "idle"), ',', mailbox_json("b", "idle"), "]}"));
  daemon_.on("POST /v1/mailboxes/a/sync", 202, mailbox_json("a", "syncing"));
  daemon_.on("POST /v1/mailboxes/b/sync", 202, mailbox_json("b", "syncing"));
  EXPECT_EQ(ctl({"sync"}), 0);
  EXPECT_THAT(out(), HasSubstr("a: sync started\n"));
  EXPECT_THAT(out(), HasSubstr("b: sync started\n"));
}

TEST_F(Ctl, SyncThatNeedsALogin_Is3WhateverTheErrorIsCalled) {
  daemon_.on("POST /v1/mailboxes/a/sync?wait=1", 409, problem_json("needs_login", 409));
  EXPECT_EQ(ctl({"sync", "--wait", "a"}), 3);
  daemon_.on("POST /v1/mailboxes/a/sync?wait=1", 409, problem_json("no_token", 409, ",\"state\":\"needs_login\""));
  EXPECT_EQ(ctl({"sync", "--wait", "a"}), 3);
}

TEST_F(Ctl, SyncOfSeveral_ExitsWithTheWorst) {
  daemon_.on("POST /v1/mailboxes/a/sync?wait=1", 200, mailbox_json("a", "idle"));
  daemon_.on("POST /v1/mailboxes/b/sync?wait=1", 409, problem_json("needs_login", 409));
  daemon_.on("POST /v1/mailboxes/c/sync?wait=1", 502, problem_json("connect_failed", 502));
  EXPECT_EQ(ctl({"sync", "--wait", "a", "b"}), 3);
  EXPECT_THAT(out(), HasSubstr("a: complete\n"));
  EXPECT_EQ(ctl({"sync", "--wait", "a", "b", "c"}), 1);
}

TEST_F(Ctl, ReloadOfABadConfiguration_Is2AndNamesThePlace) {
  daemon_.on("POST /v1/reload", 422, problem_json("configuration_rejected", 422, ",\"errors\":[\"m.yaml:3:1: x\"]"));
  EXPECT_EQ(ctl({"reload"}), 2);
  EXPECT_THAT(err(), HasSubstr("m.yaml:3:1: x\n"));
}

TEST_F(Ctl, Reload_NamesWhatChanged) {
  daemon_.on("POST /v1/reload", 200, R"({"added":["a","b"],"changed":[],"removed":["c"]})");
  EXPECT_EQ(ctl({"reload"}), 0);
  EXPECT_EQ(out(), "added: a, b\nremoved: c\n");
  daemon_.on("POST /v1/reload", 200, R"({"added":[],"changed":[],"removed":[]})");
  EXPECT_EQ(ctl({"reload"}), 0);
  EXPECT_THAT(out(), HasSubstr("no mailbox changed"));
}

TEST_F(Ctl, Folders_ShowWhy) {
  const std::string json = R"({"folders":[{"name":"Spam","chosen":false,"why":"excluded by Spam"}]})";
  daemon_.on("GET /v1/mailboxes/alice/folders", 200, json);
  EXPECT_EQ(ctl({"folders", "alice"}), 0);
  EXPECT_THAT(out(), HasSubstr("excluded by Spam"));
  EXPECT_EQ(ctl({"folders", "alice", "--json"}), 0);
  EXPECT_EQ(out(), json + '\n');
}

TEST_F(Ctl, Version_IsOneDocument) {
  daemon_.on("GET /v1/version", 200, R"({"version":"1.2","parts":{"libuv":"1.44"}})");
  EXPECT_EQ(ctl({"version", "--json"}), 0);
  EXPECT_THAT(out(), StartsWith(R"({"mailmoorctl":{"version":"9.9","parts":{"libcurl":)"));
  EXPECT_THAT(out(), HasSubstr(R"("mailmoord":{"version":"1.2","parts":{"libuv":"1.44"}}})"));
  EXPECT_EQ(ctl({"version"}), 0);
  EXPECT_THAT(out(), HasSubstr("mailmoord 1.2 (libuv 1.44)\n"));
}

TEST_F(Ctl, ServerTextOnTheTerminal_IsMadeSafe) {
  daemon_.on("GET /v1/mailboxes/alice", 200,
             R"({"name":"alice","state":"failed","reason":"\u001b[2Jgone","folders":[{"name":"a\nb","chosen":true}]})");
  EXPECT_EQ(ctl({"status", "alice"}), 0);
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out(), HasSubstr("\\x1b[2Jgone"));
  EXPECT_THAT(out(), HasSubstr("a\\nb"));
}

class Password : public Ctl {
 protected:
  // Runs `password bob --stdin` with this on standard input.
  int password(const std::string& input) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd from(ends[0]);
    UniqueFd into(ends[1]);
    EXPECT_EQ(::write(into.get(), input.data(), input.size()), static_cast<ssize_t>(input.size()));
    into.reset();
    const UniqueFd before(::dup(STDIN_FILENO));
    ::dup2(from.get(), STDIN_FILENO);
    daemon_.on("POST /v1/mailboxes/bob/password", 200, mailbox_json("bob", "connecting"));
    const int exit = ctl({"password", "bob", "--stdin"});
    ::dup2(before.get(), STDIN_FILENO);
    return exit;
  }
};

TEST_F(Password, FromAPipe_IsSentWithoutItsLineEnd) {
  EXPECT_EQ(password("pass word\n"), 0);
  EXPECT_EQ(password("pass\r\n"), 0);
  EXPECT_EQ(password("a\nb"), 0);
  EXPECT_THAT(daemon_.requests(),
              ElementsAre("POST /v1/mailboxes/bob/password pass word", "POST /v1/mailboxes/bob/password pass",
                          "POST /v1/mailboxes/bob/password a\nb"));
  EXPECT_THAT(out() + err(), Not(HasSubstr("pass ")));
}

TEST_F(Password, EmptyOrEndless_Is2AndNothingIsSent) {
  EXPECT_EQ(password(""), 2);
  EXPECT_EQ(password("\n"), 2);
  EXPECT_EQ(password(std::string(5000, 'x')), 2);
  EXPECT_THAT(daemon_.requests(), IsEmpty());
}

class Local : public Ctl {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mailmoor-cli-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
};

TEST_F(Local, KeyInit_WritesAPrivateFileOnce) {
  const std::string file = directory_ + "/master.key";
  EXPECT_EQ(run_with({"key", "init", file}), 0);
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(run_with({"key", "init", file, "--json"}), 1);
  EXPECT_THAT(out(), HasSubstr("key_file_exists"));
}

TEST_F(Local, KeyRotate_IsTheDaemonsToDo) {
  const std::string answer = R"({"key_source":"file /k","values":5,"unreadable":1,"next":"move it"})";
  daemon_.on("POST /v1/key/rotate", 200, answer);
  EXPECT_EQ(ctl({"key", "rotate"}), 0);
  EXPECT_EQ(out(),
            "the token store is sealed with a new master key, file /k (5 values); 1 was damaged before and left as "
            "found: sign in again where a token is said to be damaged; move it\n");
  const std::string file = directory_ + "/new.key";
  EXPECT_EQ(run_with({"key", "init", file}), 0);
  EXPECT_EQ(ctl({"--json", "key", "rotate", "--from", file}), 0);
  EXPECT_EQ(out(), answer + '\n');
  std::string key;
  std::getline(std::ifstream(file), key);
  EXPECT_THAT(daemon_.requests(), ElementsAre("POST /v1/key/rotate", concat("POST /v1/key/rotate ", key, '\n')));
  EXPECT_EQ(ctl({"key", "rotate", "--from", directory_ + "/none"}), 2);
  EXPECT_THAT(err(), HasSubstr("/none"));
}

TEST_F(Local, KeyRotateWithoutADaemon_FindsTheStoreByTheConfiguration) {
  const std::vector<std::string> rotate = {"--socket", "/nonexistent/control.sock",  "key", "rotate",
                                           "--config", directory_ + "/mailmoor.yaml"};
  EXPECT_EQ(run_with(rotate), 2);
  EXPECT_THAT(err(), HasSubstr("mailmoor.yaml"));
  std::ofstream(directory_ + "/mailmoor.yaml") << "state_dir: " << directory_ << "\nmaildir_root: " << directory_
                                               << "\nmailboxes: [{name: a, user: a, host: h}]\n";
  EXPECT_EQ(run_with(rotate), 1);
  EXPECT_THAT(err(), HasSubstr(concat("there is no token database ", directory_, "/tokens.db")));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/master.key"));
}

TEST_F(Local, KeyInit_DefaultsToTheStateDirectory) {
  ::setenv("STATE_DIRECTORY", (directory_ + ":/nonexistent").c_str(), 1);
  EXPECT_EQ(run_with({"key", "init", "--json"}), 0);
  ::unsetenv("STATE_DIRECTORY");
  EXPECT_EQ(out(), concat("{\"file\":\"", directory_, "/master.key\"}\n"));
}

TEST_F(Local, CheckOfABadFile_Is2WithThePlace) {
  const std::string file = directory_ + "/mailmoor.yaml";
  std::ofstream(file) << "mailboxes:\n  - nam: alice\n";
  EXPECT_EQ(run_with({"check", file}), 2);
  EXPECT_THAT(out(), HasSubstr(file + ":2:"));
  EXPECT_EQ(run_with({"check", file, "--json"}), 2);
  EXPECT_THAT(out(), StartsWith(concat("{\"file\":\"", file, "\",\"ok\":false,\"errors\":[{\"file\":\"", file,
                                       "\",\"line\":2,\"column\":")));
}

TEST_F(Local, CheckOfAGoodFile_CountsWhatItHas) {
  const std::string file = directory_ + "/mailmoor.yaml";
  std::ofstream(file) << "maildir_root: " << directory_ << "\nstate_dir: " << directory_
                      << "\nmailboxes:\n  - name: alice\n    host: imap.example.org\n    user: alice\n";
  EXPECT_EQ(run_with({"check", file}), 0) << out() << err();
  EXPECT_EQ(out(), file + ": good; 1 mailbox, 0 apps\n");
  EXPECT_EQ(run_with({"check", file, "--json"}), 0);
  EXPECT_EQ(out(), concat("{\"file\":\"", file, "\",\"ok\":true,\"mailboxes\":1,\"apps\":0}\n"));
}

TEST(DefaultSocket, FollowsTheRuntimeDirectory) {
  ::unsetenv("RUNTIME_DIRECTORY");
  EXPECT_EQ(default_socket(), "/run/mailmoor/control.sock");
  ::setenv("RUNTIME_DIRECTORY", "/run/a:/run/b", 1);
  EXPECT_EQ(default_socket(), "/run/a/control.sock");
  ::unsetenv("RUNTIME_DIRECTORY");
}

} // namespace
} // namespace mailmoor::cli
