// Random histories of a mailbox against a model of the server and of what a Maildir must hold.
#include "history/history.h"

#include <cstdlib>
#include <iostream>

namespace mailmoor::testing {
namespace {

constexpr std::size_t kShards = 10;
constexpr std::size_t kHistories = 300; // MAILMOOR_HISTORIES: as many instead

[[nodiscard]] std::size_t histories() {
  const char* const text = std::getenv("MAILMOOR_HISTORIES");
  return text != nullptr ? std::strtoul(text, nullptr, 10) : kHistories;
}

class RandomHistories : public ::testing::TestWithParam<std::size_t> {};

// The seeds are 1, 2, 3, …: the same histories on every machine.
TEST_P(RandomHistories, EndWithTheMaildirThatThePolicyAsksFor) {
  HistoryRig rig;
  const auto run = [&rig](const Script& script) { return History(rig).run(script); };
  for (std::size_t seed = 1 + GetParam(); seed <= histories(); seed += kShards) {
    const Script script = ScriptWriter(seed).write();
    const std::string wrong = run(script);
    if (wrong.empty()) continue;
    const Script shorter = shrunk(script, [&](const Script& smaller) { return !run(smaller).empty(); });
    ADD_FAILURE() << "seed " << seed << ": " << wrong << "\nthe shortest history found that fails: " << run(shorter)
                  << '\n'
                  << text_of(shorter);
    return;
  }
  for (const auto& [what, times] : rig.tally)
    std::cout << times << ' ' << what << '\n';
}

INSTANTIATE_TEST_SUITE_P(Shards, RandomHistories, ::testing::Range<std::size_t>(0, kShards));

// The database was full for a moment, and what a reader deleted came back after a restart.
TEST(FoundHistory, FactsThatCouldNotBeRecorded_AreRecordedByTheNextPass) {
  HistoryRig rig;
  for (int step = 1; step <= 30; ++step)
    EXPECT_EQ("", History(rig).run({"deliver INBOX 1 S", concat("pass fail ", step), "reader-delete INBOX 1"})) << step;
}

// A folder's directory was made anew by a pass that had nothing to put into it, and taken for durable by the next one.
TEST(FoundHistory, DirectoryMadeAnew_IsDurableBeforeItsFirstMessageIsRecorded) {
  HistoryRig rig;
  for (unsigned seed = 0; seed < 8; ++seed)
    EXPECT_EQ("", History(rig).run(script_of(concat(R"(flags mirror
                                                       deliver Work 2 S
                                                       pass
                                                       reader-rmdir Work
                                                       flag Work 1 F
                                                       pass
                                                       deliver Work 1 S
                                                       pass
                                                       deliver Work 1 S
                                                       pass power 1 )",
                                                    seed))))
        << seed;
}

// Both names of a file survived a power cut in the middle of numbering anew. The older one goes, and nothing is lost.
TEST(FoundHistory, NumberedAnewInAPowerCut_SecondNamesGo) {
  HistoryRig rig;
  for (unsigned seed = 1; seed <= 4; ++seed)
    for (int step = 8; step <= 12; ++step)
      EXPECT_EQ(
          "", History(rig).run({"deliver Work 10 -", "pass", "renumber Work", concat("pass power ", step, ' ', seed)}));
}

// What was recorded of its flags went along with the file, and the next pass goes by it.
TEST(FoundHistory, NumberedAnewAndKilled_FlagsAreMergedByWhatWasRecorded) {
  HistoryRig rig;
  for (int step = 8; step <= 18; ++step)
    for (const char* const end : {"kill ", "power "})
      EXPECT_EQ("", History(rig).run({"flags mirror", "deliver INBOX 1 S", "pass", "renumber INBOX", "flag INBOX 1 D",
                                      concat("pass ", end, step, " 1")}));
}

// The directory that a pass made for nothing is not durable, and neither is what is in it.
TEST(FoundHistory, ReadersFileInAFolderWithoutMessages_MayGoInAPowerCut) {
  HistoryRig rig;
  EXPECT_EQ("", History(rig).run({"create Work", "pass", "reader-put Work", "pass power 1 1"}));
}

// The pass tells of the folder, and the next one finds it neither listed nor here.
TEST(FoundHistory, FolderThatGoesBetweenListAndExamine_IsAFaultOfThisPassOnly) {
  HistoryRig rig;
  for (int command = 4; command <= 8; ++command)
    for (const char* const change : {"drop Sent", "rename Sent Work"})
      EXPECT_EQ("", History(rig).run({"deliver Sent 1 RS", concat("pass meanwhile ", command, ' ', change)}));
}

// Both while one pass goes on: its file is in the trash under the new number.
TEST(FoundHistory, NumberedAnewAndRemovedInOnePass_IsInTheTrash) {
  HistoryRig rig;
  EXPECT_EQ("", History(rig).run(script_of(R"(server CONDSTORE ENABLE QRESYNC IDLE X-GM-EXT-1
                                              deletions mirror
                                              deliver INBOX 1 S
                                              pass meanwhile 7 renumber INBOX
                                              confirm
                                              pass meanwhile 3 expunge INBOX 1 1)")));
}

constexpr const char* kGiven = R"(flags mirror
                                  deletions mirror
                                  deliver INBOX 3 S
                                  deliver Lists/dev 2 -
                                  pass
                                  renumber INBOX
                                  flag INBOX 1 FS
                                  expunge Lists/dev 1
                                  pass)";

// MAILMOOR_HISTORY names a file with the script of one: what a failure above has printed. Else a script as it may be.
TEST(GivenHistory, Replayed) {
  std::string text = kGiven;
  if (const char* const path = std::getenv("MAILMOOR_HISTORY")) {
    std::ifstream in(path);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  HistoryRig rig;
  History history(rig);
  EXPECT_EQ("", history.run(script_of(text)));
  for (const auto& [path, bytes] : history.tree())
    std::cout << path << ' ' << bytes.size() << '\n';
  for (const std::string& command : rig.server.commands)
    std::cout << command << '\n';
}

} // namespace
} // namespace mailmoor::testing
