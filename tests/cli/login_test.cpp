#include "cli/ctl_fixture.h"
#include "cli/logins.h"
#include "util/unique_fd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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
                R"(","verification_uri":"https://x/device","user_code":"AB-CD","expires_at":null,"flow":"device"})",
                "\n");
}

std::string signed_in_line(const std::string& mailbox) {
  return concat(R"({"event":"signed_in","mailbox":")", mailbox, "\"}\n");
}

std::string link_line(const std::string& mailbox, const std::string& flow) {
  return concat(R"({"event":"prompt","mailbox":")", mailbox,
                R"(","authorization_url":"https://x/auth?state=s","expires_at":null,"flow":")", flow, "\"}\n");
}

std::string failed_line(const std::string& mailbox, const std::string& code) {
  return concat(R"({"event":"failed","mailbox":")", mailbox, R"(","error":"what was seen","remedy":"","code":")", code,
                "\"}\n");
}

// A standard input with this in it, and then its end.
class Input final {
 public:
  explicit Input(std::string_view text) {
    int ends[2] = {};
    EXPECT_EQ(::pipe(ends), 0);
    reader_ = UniqueFd(ends[0]);
    const UniqueFd writer(ends[1]);
    EXPECT_EQ(::write(writer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] int fd() const noexcept { return reader_.get(); }

 private:
  UniqueFd reader_;
};

class Login : public Ctl {
 protected:
  // The stream of a login that goes on once an address has been handed in.
  void script_until_answered(const std::string& mailbox, const std::string& query, const std::string& first,
                             const std::string& last, const std::string& after = "POST /v1/login") {
    daemon_.on_two_parts(
        concat("POST /v1/mailboxes/", mailbox, "/login", query),
        concat("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", chunk(first)), after,
        chunk(last) + "0\r\n\r\n");
  }
  void fleet(const std::vector<std::string>& mailboxes) {
    std::string all;
    for (const std::string& mailbox : mailboxes)
      all += concat(all.empty() ? "" : ",", mailbox);
    daemon_.on("GET /v1/status", 200, concat("{\"mailboxes\":[", all, "]}"));
  }
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
  daemon_.on_raw("POST /v1/mailboxes/alice/login?flow=device", chunked(bytes));
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
  EXPECT_EQ(out(), R"({"event":"failed","mailbox":"bob","error":"what was seen","remedy":"what to do",)"
                   R"("code":"unknown_mailbox"})"
                   "\n");
}

TEST_F(Login, Several_RunAtOnceAndInAnyOrder) {
  fleet({});
  daemon_.gather_logins(3); // deadlocks unless all three are asked at the same time
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
  const std::size_t count = Logins::kWindow + 20;
  fleet({});
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = concat('m', i);
    arguments.push_back(name);
    script(name, chunked(chunk(signed_in_line(name))));
  }
  EXPECT_EQ(ctl(arguments), 0);
  EXPECT_EQ(daemon_.requests().size(), count + 1);
  EXPECT_LE(daemon_.most_at_once(), Logins::kWindow);
  EXPECT_THAT(out(), HasSubstr("120 of 120 signed in\n"));
}

TEST_F(Login, SharedToken_IsSignedInOnce) {
  const auto of = [](const std::string& name, const std::string& user) {
    return concat(R"({"name":")", name, R"(","state":"needs_login","app":"a","login_user":")", user, "\"}");
  };
  fleet({of("alice", "alice"), of("info", "alice"), of("bob", "bob")});
  script("alice", chunked(chunk(signed_in_line("alice"))));
  script("bob", chunked(chunk(signed_in_line("bob"))));
  EXPECT_EQ(ctl({"login", "--all-pending"}), 0);
  EXPECT_THAT(out(), HasSubstr("alice: signed in, and so info\n"));
  EXPECT_EQ(daemon_.requests().size(), 3U);
  EXPECT_EQ(ctl({"--json", "login", "--all-pending"}), 0);
  EXPECT_THAT(out(), HasSubstr(signed_in_line("info")));
}

TEST_F(Login, CodeThatRanOutAmongMany_IsRenewed) {
  fleet({});
  daemon_.on_sequence("POST /v1/mailboxes/a/login",
                      {chunked(chunk(prompt_line("a")) + chunk(failed_line("a", "login_code_expired"))),
                       chunked(chunk(failed_line("a", "login_link_expired"))), chunked(chunk(signed_in_line("a")))});
  script("b", chunked(chunk(signed_in_line("b"))));
  EXPECT_EQ(ctl({"login", "a", "b"}), 0);
  EXPECT_THAT(out(), HasSubstr("a: signed in\n"));
  EXPECT_THAT(out(), testing::Not(HasSubstr("not signed in")));
}

TEST_F(Login, CodeThatRanOutAlone_IsTheEnd) { // RFC 8628 §3.5
  script("a", chunked(chunk(prompt_line("a")) + chunk(failed_line("a", "login_code_expired"))));
  EXPECT_EQ(ctl({"login", "a"}), 1);
  EXPECT_EQ(daemon_.requests().size(), 1U);
}

TEST_F(Login, CodesThatNobodyEnters_AreNotRenewedForEver) {
  fleet({});
  for (const auto* const name : {"a", "b"})
    script(name, chunked(chunk(failed_line(name, "login_code_expired"))));
  EXPECT_EQ(ctl({"login", "a", "b"}), 1);
  EXPECT_EQ(daemon_.requests().size(), 1U + 2U * 25U);
}

TEST_F(Login, Paste_HandsInWhatStandardInputBrings) {
  script_until_answered("alice", "?flow=paste", link_line("alice", "paste"), signed_in_line("alice"));
  daemon_.on("POST /v1/login", 200, signed_in_line("alice"));
  const Input input("http://127.0.0.1:61993/?code=c\n  &state=s\n");
  input_fd_ = input.fd();
  EXPECT_EQ(ctl({"login", "alice", "--flow", "paste"}), 0);
  EXPECT_THAT(daemon_.requests(), testing::Contains("POST /v1/login http://127.0.0.1:61993/?code=c\n  &state=s\n"));
  EXPECT_THAT(out(), HasSubstr("https://x/auth?state=s\n"));
  EXPECT_THAT(out(), HasSubstr("alice: signed in\n"));
}

TEST_F(Login, PasteInJson_IsTheContract) {
  script_until_answered("alice", "?flow=paste", link_line("alice", "paste"), signed_in_line("alice"));
  daemon_.on("POST /v1/login", 200, signed_in_line("alice"));
  const Input input("?code=c&state=s");
  input_fd_ = input.fd();
  EXPECT_EQ(ctl({"login", "alice", "--flow", "paste", "--json"}), 0);
  EXPECT_EQ(out(), link_line("alice", "paste") + signed_in_line("alice"));
}

TEST_F(Login, PasteThatIsNotUnderstood_IsSaidAndEndsWithTheInput) {
  script_until_answered("alice", "?flow=paste", link_line("alice", "paste"), "");
  daemon_.on("POST /v1/login", 409, problem_json("redirect_not_understood", 409));
  const Input input("nonsense\n");
  input_fd_ = input.fd();
  EXPECT_EQ(ctl({"login", "alice", "--flow", "paste"}), 1);
  EXPECT_THAT(err(), HasSubstr("what was seen"));
}

TEST_F(Login, PasteWithoutInput_FailsAtOnce) {
  script_until_answered("alice", "?flow=paste", link_line("alice", "paste"), "");
  const Input input("");
  input_fd_ = input.fd();
  EXPECT_EQ(ctl({"login", "alice", "--flow", "paste"}), 1);
  EXPECT_THAT(out(), HasSubstr("alice: not signed in: standard input ended"));
}

TEST_F(Login, SeveralPastes_GoInOneByOneInAnyOrder) {
  fleet({});
  script_until_answered("a", "?flow=paste", link_line("a", "paste"), signed_in_line("a"),
                        "POST /v1/login http://127.0.0.1:61993/?code=2");
  script_until_answered("b", "?flow=paste", link_line("b", "paste"), signed_in_line("b"),
                        "POST /v1/login http://127.0.0.1:61993/?code=1");
  daemon_.on("POST /v1/login", 200, signed_in_line("b"));
  const Input input("http://127.0.0.1:61993/?code=1&state=b\nhttp://127.0.0.1:61993/?code=2&state=a\n");
  input_fd_ = input.fd();
  EXPECT_EQ(ctl({"login", "a", "b", "--flow", "paste"}), 0);
  EXPECT_THAT(daemon_.requests(), testing::IsSupersetOf({"POST /v1/login http://127.0.0.1:61993/?code=1&state=b\n",
                                                         "POST /v1/login http://127.0.0.1:61993/?code=2&state=a\n"}));
}

TEST_F(Login, OnADesktop_OffersToListenForTheBrowser) {
  has_desktop_ = true;
  daemon_.on_any("POST /v1/mailboxes/alice/login?redirect_port=", chunked(chunk(signed_in_line("alice"))));
  EXPECT_EQ(ctl({"login", "alice"}), 0);
}

TEST_F(Login, Browser_ComesBackThroughTheListener) {
  daemon_.on_any("POST /v1/mailboxes/alice/login?flow=browser&redirect_port=",
                 chunked(chunk(link_line("alice", "browser")) + chunk(signed_in_line("alice"))));
  EXPECT_EQ(ctl({"login", "alice", "--flow", "browser"}), 0);
  EXPECT_THAT(out(), HasSubstr("The browser is expected back on port "));
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
  fleet({});
  script("a", chunked(chunk(prompt_line("a")) + chunk(signed_in_line("a"))));
  script("b", chunked(chunk(prompt_line("b")) + chunk(signed_in_line("b"))));
  EXPECT_EQ(ctl({"login", "a", "b"}), 0);
  EXPECT_THAT(out(), HasSubstr("MAILBOX  ENTER"));
  EXPECT_THAT(out(), HasSubstr("\x1b["));
}

} // namespace
} // namespace mailmoor::cli
