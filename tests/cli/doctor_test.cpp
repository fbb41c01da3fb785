#include "cli/ctl_fixture.h"
#include "cli/doctor_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string check(std::string_view name, std::string_view outcome, std::string_view more = {}) {
  return concat(R"({"event":"check","mailbox":"alice","check":")", name, R"(","outcome":")", outcome,
                R"(","found":"f","remedy":"r","needs_login":)", more.empty() ? "false" : more, "}\n");
}
constexpr std::string_view kFinished = "{\"event\":\"finished\",\"mailbox\":\"alice\"}\n";

class Doctor : public Ctl {
 protected:
  void script(const std::string& lines, const std::string& mailbox = "alice") {
    daemon_.on(concat("POST /v1/mailboxes/", mailbox, "/doctor"), 200, lines);
  }
};

TEST_F(Doctor, EachCheck_IsALineWithItsRemedy) {
  script(check("clock", "ok") + check("tls", "fail") + std::string(kFinished));
  EXPECT_EQ(ctl({"doctor", "alice"}), 1);
  EXPECT_THAT(out(), HasSubstr("alice\n  ok      clock             f\n"));
  EXPECT_THAT(out(), HasSubstr("  FAIL    tls               f\n                            → r\n"));
  EXPECT_THAT(out(), HasSubstr("alice: 1 failed\n"));
}

TEST_F(Doctor, ExitStatus_FollowsTheWorstCheck) {
  script(check("clock", "ok") + check("tls", "warn") + check("token", "skipped") + std::string(kFinished));
  EXPECT_EQ(ctl({"doctor", "alice"}), 0);
  EXPECT_THAT(out(), HasSubstr("alice: 1 warning, 1 skipped\n"));
  script(check("token", "fail", "true") + std::string(kFinished));
  EXPECT_EQ(ctl({"doctor", "alice"}), 3);
  script(check("token", "fail", "true") + check("maildir", "fail") + std::string(kFinished));
  EXPECT_EQ(ctl({"doctor", "alice"}), 1);
}

TEST_F(Doctor, Json_IsOneObjectALine) {
  script(check("clock", "ok") + std::string(kFinished));
  EXPECT_EQ(ctl({"doctor", "alice", "--json"}), 0);
  EXPECT_EQ(out(), check("clock", "ok") + std::string(kFinished));
}

TEST_F(Doctor, BrokenOff_IsAFailure) {
  script(check("clock", "ok"));
  EXPECT_EQ(ctl({"doctor", "alice"}), 1);
  EXPECT_THAT(err(), HasSubstr("broke the examination off"));
  script(R"({"event":"failed","mailbox":"alice","error":"the configuration was reread","remedy":""})"
         "\n");
  EXPECT_EQ(ctl({"doctor", "alice"}), 1);
  EXPECT_THAT(err(), HasSubstr("the configuration was reread"));
}

TEST_F(Doctor, WithoutAName_ExaminesAllInTurn) {
  daemon_.on("GET /v1/status", 200,
             R"({"mailboxes":[{"name":"alice","state":"idle"},{"name":"bob","state":"needs_login"}]})");
  script(check("clock", "ok") + std::string(kFinished));
  script(check("token", "fail", "true") + std::string(kFinished), "bob");
  EXPECT_EQ(ctl({"doctor"}), 3);
  EXPECT_THAT(daemon_.requests(),
              ElementsAre("GET /v1/status", "POST /v1/mailboxes/alice/doctor", "POST /v1/mailboxes/bob/doctor"));
}

TEST(DoctorView, TextOfAServer_IsMadeSafeAndWrapped) {
  CheckResult result;
  result.check = "token_audience";
  result.outcome = CheckResult::Outcome::kDoubtful;
  result.found = "one two three four five six\x1b[2J";
  result.remedy = "do";
  const std::string text = render_check(result, 50);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_THAT(text, HasSubstr("  warn    token audience    one two three four\n"));
}

} // namespace
} // namespace mailmoor::cli
