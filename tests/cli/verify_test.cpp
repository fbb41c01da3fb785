#include "cli/ctl_fixture.h"
#include "cli/verify_view.h"
#include "control/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

namespace mailmoor::cli {
namespace {

using control::VerificationLine;
using testing::ElementsAre;
using testing::HasSubstr;

std::string line(VerificationLine::Kind kind, const std::function<void(VerificationLine&)>& fill = {}) {
  VerificationLine made;
  made.kind = kind;
  made.mailbox = "alice";
  made.summary.folders = 1;
  if (fill) fill(made);
  return control::to_json(made) + '\n';
}

class Verify : public Ctl {
 protected:
  void script(const std::string& lines, const std::string& query = "deep=0&repair=0&fetch_removed=0") {
    daemon_.on(concat("POST /v1/mailboxes/alice/verify?", query), 200, lines);
  }
};

TEST_F(Verify, CompleteCopy_Is0AndOneLine) {
  script(line(VerificationLine::Kind::kProgress) + line(VerificationLine::Kind::kFolder) +
         line(VerificationLine::Kind::kFinished, [](VerificationLine& end) { end.summary.here = 12; }));
  EXPECT_EQ(ctl({"verify", "alice"}), 0);
  EXPECT_EQ(out(), "alice: complete: 12 messages in 1 folder\n");
}

TEST_F(Verify, Gaps_Are1AndNamed) {
  script(line(VerificationLine::Kind::kFolder,
              [](VerificationLine& folder) {
                folder.findings.folder = "IN\x1b[2JBOX";
                folder.findings.missing = *UidSet::parse("4,9");
                folder.findings.removed_here = *UidSet::parse("1:20");
                folder.findings.wrong_size.push_back({7, 60, 100});
                folder.findings.changed_here.push_back({8, "", "FS"});
              }) +
         line(VerificationLine::Kind::kFinished, [](VerificationLine& end) { end.summary.incomplete = 1; }));
  EXPECT_EQ(ctl({"verify", "alice"}), 1);
  EXPECT_EQ(out().find('\x1b'), std::string::npos);
  EXPECT_THAT(out(), HasSubstr("2 missing (UIDs 4, 9); 20 removed here (UIDs 1, 2, 3, 4, 5, 6, 7, 8 and 12 more); "
                               "1 of a wrong size (UID 7: 60 octets here, 100 expected); "
                               "1 with flags changed here (UID 8: FS here, none there)\n"));
  EXPECT_THAT(out(), HasSubstr("alice: NOT complete: gaps in 1 of 1 folder"));
  EXPECT_THAT(out(), HasSubstr("verify alice --repair (with --fetch-removed also what was removed here)"));
}

TEST_F(Verify, Options_AreAskedFor) {
  script(line(VerificationLine::Kind::kFinished), "deep=1&repair=1&fetch_removed=1");
  EXPECT_EQ(ctl({"verify", "alice", "--deep", "--repair", "--fetch-removed"}), 0);
  EXPECT_THAT(daemon_.requests(), ElementsAre("POST /v1/mailboxes/alice/verify?deep=1&repair=1&fetch_removed=1"));
}

TEST_F(Verify, Json_IsOneObjectALine) {
  const std::string lines = line(VerificationLine::Kind::kProgress) + line(VerificationLine::Kind::kFolder) +
                            line(VerificationLine::Kind::kFinished);
  script(lines);
  EXPECT_EQ(ctl({"verify", "alice", "--json"}), 0);
  EXPECT_EQ(out(), lines);
}

TEST_F(Verify, BrokenOff_IsAFailureOrALogin) {
  script(line(VerificationLine::Kind::kFolder));
  EXPECT_EQ(ctl({"verify", "alice"}), 1);
  EXPECT_THAT(err(), HasSubstr("broke the verification off"));
  for (const auto& [code, exit] : {std::pair("connection_lost", 1), std::pair("needs_login", 3)}) {
    script(line(VerificationLine::Kind::kFailed, [end_code = code](VerificationLine& end) {
      end.error = "what was seen";
      end.remedy = "do it";
      end.code = end_code;
    }));
    EXPECT_EQ(ctl({"verify", "alice"}), exit);
    EXPECT_THAT(err(), HasSubstr("alice: broken off: what was seen\n  → do it\n"));
  }
  daemon_.on("POST /v1/mailboxes/alice/verify?deep=0&repair=0&fetch_removed=0", 409, problem_json("needs_login", 409));
  EXPECT_EQ(ctl({"verify", "alice"}), 3);
}

TEST_F(Verify, OnATerminal_ProgressIsDrawnOver) {
  columns_ = 40;
  script(line(VerificationLine::Kind::kProgress,
              [](VerificationLine& progress) {
                progress.progress.folder = "Archive";
                progress.progress.phase = VerifyProgress::Phase::kComparing;
                progress.progress.done = 120;
                progress.progress.total = 4000;
              }) +
         line(VerificationLine::Kind::kFinished));
  EXPECT_EQ(ctl({"verify", "alice"}), 0);
  EXPECT_THAT(out(), HasSubstr("Archive: comparing contents, 120 of 4000"));
  EXPECT_THAT(out(), HasSubstr("\r\x1b[Kalice: complete"));
}

TEST(VerifyWire, Lines_ComeBackAsTheyWere) {
  VerificationLine sent;
  sent.kind = VerificationLine::Kind::kFolder;
  sent.mailbox = "alice";
  FolderFindings& findings = sent.findings;
  findings.folder = "Entwürfe";
  findings.failed = "why";
  findings.server_messages = 9;
  findings.here = 8;
  findings.unlisted = 1;
  findings.contents_compared = 7;
  findings.stranger_count = 2;
  std::uint32_t number = 0;
  for (UidSet FolderFindings::* set :
       {&FolderFindings::missing, &FolderFindings::removed_here, &FolderFindings::poison, &FolderFindings::unreadable,
        &FolderFindings::wrong_content, &FolderFindings::not_given, &FolderFindings::left_out,
        &FolderFindings::not_on_server, &FolderFindings::repaired})
    (findings.*set).insert(*Uid::from(++number));
  findings.wrong_size.push_back({1, 2, 3});
  findings.size_differs.push_back({4, 5, 6});
  findings.wrong_flags.push_back({7, "S", "F"});
  findings.changed_here.push_back({8, "", "T"});
  findings.strangers.emplace_back("cur/x");
  const std::string json = control::to_json(sent);
  const auto received = control::verification_line_from_json(json);
  ASSERT_TRUE(received);
  EXPECT_EQ(control::to_json(*received), json);
  EXPECT_EQ(received->findings.wrong_flags, findings.wrong_flags);
  EXPECT_EQ(received->findings.repaired, findings.repaired);
  EXPECT_THAT(json, HasSubstr(R"("complete":false)"));
}

TEST(VerifyWire, WrongLines_AreRefused) {
  for (const char* text : {"", "[]", "{}", R"({"event":"other"})", R"({"event":"folder","missing":[0]})",
                           R"({"event":"folder","missing":["1"]})", R"({"event":"folder","missing":[4294967296]})",
                           R"({"event":"folder","wrong_size":[{"uid":-1}]})", R"({"event":"progress","phase":"x"})",
                           R"({"event":"finished","folders":"1"})"})
    EXPECT_FALSE(control::verification_line_from_json(text)) << text;
}

} // namespace
} // namespace mailmoor::cli
