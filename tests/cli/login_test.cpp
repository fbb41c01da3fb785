#include "cli/ctl_fixture.h"
#include "cli/daemon_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace mailmoor::cli {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string chunked(const std::string& body) {
  return concat("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", body, "0\r\n\r\n");
}

std::string chunk(const std::string& bytes) {
  std::ostringstream size;
  size << std::hex << bytes.size();
  return size.str() + "\r\n" + bytes + "\r\n";
}

std::string prompt_line(const std::string& mailbox) {
  return concat(R"({"event":"prompt","mailbox":")", mailbox,
                R"(","verification_uri":"https://x/device","user_code":"AB-CD","expires_at":null})", "\n");
}

std::string signed_in_line(const std::string& mailbox) {
  return concat(R"({"event":"signed_in","mailbox":")", mailbox, "\"}\n");
}

class Login : public Ctl {
 protected:
  void script(const std::string& mailbox, const std::string& bytes) {
    daemon_.on_raw(concat("POST /v1/mailboxes/", mailbox, "/login"), bytes);
  }
};

TEST_F(Login, Device_TellsThePersonWhatToDo) {
  script("alice", chunked(chunk(prompt_line("alice")) + chunk(signed_in_line("alice"))));
  EXPECT_EQ(ctl({"login", "alice"}), 0);
  EXPECT_EQ(out(), "alice: open https://x/device and enter AB-CD\nalice: signed in\n");
}

TEST_F(Login, LinesCutAnywhere_ArePutTogether) {
  const std::string lines = prompt_line("alice") + signed_in_line("alice");
  std::string bytes;
  for (const char byte : lines)
    bytes += chunk(std::string(1, byte));
  script("alice", chunked(bytes));
  EXPECT_EQ(ctl({"login", "alice", "--json", "--flow", "device"}), 0);
  EXPECT_EQ(out(), lines);
}

TEST_F(Login, Failure_Is1WithItsRemedy) {
  script("alice", chunked(chunk(R"({"event":"failed","mailbox":"alice","error":"declined","remedy":"ask again"})"
                                "\n")));
  EXPECT_EQ(ctl({"login", "alice"}), 1);
  EXPECT_EQ(out(), "alice: not signed in: declined\n    → ask again\n");
}

TEST_F(Login, StreamThatEndsEarly_Is1) {
  script("alice", chunked(chunk(prompt_line("alice"))));
  EXPECT_EQ(ctl({"login", "alice", "--json"}), 1);
  EXPECT_THAT(out(), HasSubstr(R"({"event":"failed","mailbox":"alice")"));
}

TEST_F(Login, UnknownMailbox_Is1AsAnEvent) {
  daemon_.on("POST /v1/mailboxes/bob/login", 404, problem_json("unknown_mailbox", 404));
  EXPECT_EQ(ctl({"login", "bob", "--json"}), 1);
  EXPECT_EQ(out(), R"({"event":"failed","mailbox":"bob","error":"what was seen","remedy":"what to do"})"
                   "\n");
}

TEST_F(Login, Several_RunAtOnceAndInAnyOrder) {
  daemon_.gather(3); // deadlocks unless all three are asked at the same time
  script("a", chunked(chunk(prompt_line("a")) + chunk(signed_in_line("a"))));
  script("b",
         chunked(chunk(prompt_line("b")) + chunk(R"({"event":"failed","mailbox":"b","error":"expired","remedy":""})"
                                                 "\n")));
  script("c", chunked(chunk(signed_in_line("c"))));
  EXPECT_EQ(ctl({"login", "a", "b", "c"}), 1);
  for (const auto text : {"a: signed in\n", "b: not signed in: expired\n", "c: signed in\n"})
    EXPECT_THAT(out(), HasSubstr(text));
}

TEST_F(Login, MoreThanTheWindow_WaitTheirTurn) {
  std::vector<std::string> arguments = {"login"};
  for (int i = 0; i < 50; ++i) {
    const std::string name = concat('m', i);
    arguments.push_back(name);
    script(name, chunked(chunk(signed_in_line(name))));
  }
  EXPECT_EQ(ctl(arguments), 0);
  EXPECT_EQ(daemon_.requests().size(), 50U);
  EXPECT_LE(daemon_.most_at_once(), DaemonClient::kWindow);
}

TEST_F(Login, AllPending_AreThoseThatNeedOne) {
  daemon_.on("GET /v1/status", 200,
             concat("{\"mailboxes\":[", mailbox_json("a", "idle"), ',', mailbox_json("b", "needs_login"), ',',
                    mailbox_json("c", "needs_login"), "]}"));
  script("b", chunked(chunk(signed_in_line("b"))));
  script("c", chunked(chunk(signed_in_line("c"))));
  EXPECT_EQ(ctl({"login"}), 2);
  EXPECT_THAT(err(), HasSubstr("--all-pending"));
  EXPECT_EQ(ctl({"login", "--all-pending"}), 0);
  EXPECT_THAT(daemon_.requests(), UnorderedElementsAre("GET /v1/status", "GET /v1/status", "POST /v1/mailboxes/b/login",
                                                       "POST /v1/mailboxes/c/login"));
}

TEST_F(Login, NobodyPending_IsDone) {
  daemon_.on("GET /v1/status", 200, concat("{\"mailboxes\":[", mailbox_json("a", "idle"), "]}"));
  EXPECT_EQ(ctl({"login", "--all-pending"}), 0);
  EXPECT_EQ(out(), "no mailbox needs a login\n");
}

TEST_F(Login, OnATerminal_SeveralShareOneBoard) {
  columns_ = 80;
  script("a", chunked(chunk(prompt_line("a")) + chunk(signed_in_line("a"))));
  script("b", chunked(chunk(prompt_line("b")) + chunk(signed_in_line("b"))));
  EXPECT_EQ(ctl({"login", "a", "b"}), 0);
  EXPECT_THAT(out(), HasSubstr("MAILBOX  ENTER"));
  EXPECT_THAT(out(), HasSubstr("\x1b["));
}

} // namespace
} // namespace mailmoor::cli
