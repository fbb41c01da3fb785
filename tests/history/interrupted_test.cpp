// Named passes, stopped at every step that they have: at each change of the disk and the database by the end of the
// process, by a power cut, by a disk that is full once or tells a lie about what it did; at the bytes of the server by
// the end of the line or of the process. Whatever happened, the next passes end where the undisturbed one does.
//
// The long form (MAILMOOR_HISTORIES is set) takes every change and every byte; the short one every eleventh change and
// every other of the answers' ends and middles.
#include "history/history.h"

#include <cstdlib>
#include <iostream>

namespace mailmoor::testing {
namespace {

struct Scenario {
  const char* name;
  const char* before; // the pass that is stopped follows
};

constexpr Scenario kScenarios[] = {
    {"FirstSync", R"(flags mirror
                     deliver INBOX 3 S
                     deliver Lists/dev 10 -)"},
    {"NewMail", R"(flags mirror
                   deliver INBOX 2 -
                   pass
                   deliver INBOX 12 F)"},
    {"Flags", R"(flags mirror
                 deliver INBOX 5 S
                 pass
                 flag INBOX 1 FS
                 flag INBOX 2 -
                 flag INBOX 3 R
                 reader-flag INBOX 3 S
                 reader-flag INBOX 4 T)"},
    {"Deletions", R"(deletions mirror
                     deliver INBOX 5 S
                     deliver Work 2 -
                     pass
                     expunge INBOX 2 2
                     expunge Work 1 1)"},
    {"ConfirmedDeletions", R"(deletions mirror
                              deliver INBOX 25 S
                              pass
                              expunge INBOX 1 22
                              pass
                              confirm)"},
    {"Retry", R"(deliver INBOX 3 -
                 withhold INBOX 2
                 pass
                 release
                 wait 700)"},
    {"RetryInVain", R"(deliver INBOX 4 -
                       withhold INBOX 2
                       pass
                       deliver INBOX 1 -
                       wait 700)"},
    {"FolderAppears", R"(deliver INBOX 1 -
                         pass
                         deliver Lists/dev 2 S)"},
    {"FolderVanishes", R"(deletions mirror
                          deliver Work 2 S
                          pass
                          drop Work
                          pass
                          confirm)"},
    {"FolderIsRenamed", R"(flags mirror
                           deletions mirror
                           deliver Work 3 S
                           deliver Lists/dev 2 -
                           pass
                           rename Work Sent
                           deliver Sent 1 F
                           flag Sent 1 R)"},
    {"NestedFolderIsRenamed", R"(layout fs
                                 deliver Lists/dev 3 S
                                 pass
                                 rename Lists/dev Old/dev)"},
    {"TrashIsEmptied", R"(deletions mirror
                          deliver INBOX 4 S
                          deliver Work 1 S
                          pass
                          expunge INBOX 1 2
                          expunge Work 1 1
                          pass
                          wait 2764800)"},
    {"DamageIsRepaired", R"(verify
                            flags mirror
                            deliver INBOX 3 S
                            deliver Work 2 -
                            pass
                            reader-damage INBOX 2
                            reader-damage Work 1
                            deliver INBOX 1 F)"},
    {"AnotherUidValidity", R"(flags mirror
                              deliver INBOX 3 S
                              pass
                              renumber INBOX
                              deliver INBOX 1 -)"},
    {"Restart", R"(flags mirror
                   deletions mirror
                   deliver INBOX 3 S
                   pass
                   expunge INBOX 1
                   flag INBOX 1 F
                   deliver INBOX 1 -
                   restart)"},
    {"Labels", R"(server X-GM-EXT-1
                  flags mirror
                  deliver INBOX 3 S
                  deliver Work 2 -
                  pass
                  deliver INBOX 2 -
                  create Lists/dev
                  label INBOX 1 Work F
                  label INBOX 4 Work -
                  label Work 1 Lists/dev S
                  label INBOX 2 Lists/dev -
                  label INBOX 5 Lists/dev RS)"},
    {"LabelsRenumbered", R"(server X-GM-EXT-1
                            deliver INBOX 2 S
                            create Work
                            label INBOX 1 Work -
                            pass
                            renumber Work
                            label INBOX 2 Work -
                            reader-delete INBOX 1)"},
    {"NoRecords", R"(flags mirror
                     deliver INBOX 3 S
                     pass
                     deliver INBOX 1 -
                     forget)"},
};

constexpr const char* kOffers[] = {"", "server CONDSTORE ENABLE QRESYNC LIST-STATUS IDLE"};

class InterruptedPass : public ::testing::TestWithParam<std::tuple<Scenario, const char*>> {
 protected:
  [[nodiscard]] static bool is_long() { return std::getenv("MAILMOOR_HISTORIES") != nullptr; }

  [[nodiscard]] Script script() const {
    Script script = script_of(std::get<1>(GetParam()));
    for (std::string& line : script_of(std::get<0>(GetParam()).before))
      script.push_back(std::move(line));
    return script;
  }
  // What an undisturbed pass takes, and where it leads to.
  void measure() {
    History history(rig_);
    ASSERT_EQ("", history.run_steps(script()));
    const std::size_t steps = history.steps();
    const std::size_t bytes = rig_.server.bytes_sent();
    const std::size_t answers = rig_.server.answer_ends.size();
    ASSERT_EQ("", history.run_steps({"pass"}));
    EXPECT_EQ(history.links() != 0, rig_.server.offers("X-GM-EXT-1"));
    steps_ = history.steps() - steps;
    for (std::size_t at = answers; at < rig_.server.answer_ends.size(); ++at)
      ends_.push_back(rig_.server.answer_ends[at] - bytes);
    ASSERT_EQ("", history.come_to_the_end());
    tree_ = history.tree();
  }
  void stop_with(const std::string& trouble) {
    Script stopped = script();
    stopped.push_back(concat("pass ", trouble));
    History history(rig_);
    const std::string wrong = history.run(stopped);
    const auto tree = history.tree();
    if (wrong.empty() && tree == tree_) return;
    std::string differs;
    for (const auto& [path, bytes] : tree)
      if (!tree_.contains(path)) differs += concat("  too many: ", path, '\n');
    for (const auto& [path, bytes] : tree_)
      if (!tree.contains(path)) differs += concat("  missing: ", path, '\n');
    ADD_FAILURE() << (wrong.empty() ? "the Maildir is another one in the end" : wrong) << '\n'
                  << differs << text_of(stopped);
  }

  HistoryRig rig_;
  std::size_t steps_ = 0;
  std::vector<std::size_t> ends_; // of the answers, in bytes from the beginning of the pass
  std::map<std::string, std::string> tree_;
};

TEST_P(InterruptedPass, AtEveryChangeOfTheDisk_TheNextOneEndsTheSame) {
  ASSERT_NO_FATAL_FAILURE(measure());
  ASSERT_GT(steps_, 0U);
  const std::size_t stride = is_long() ? 1 : 11;
  const unsigned power_cuts = is_long() ? 3 : 1;
  std::size_t times = 0;
  // Another remainder for each scenario, so that together they stop at steps of every kind.
  for (std::size_t at = 1 + std::string_view(std::get<0>(GetParam()).name).size() % stride; at <= steps_;
       at += stride) {
    if (HasFailure()) return;
    stop_with(concat("kill ", at));
    for (unsigned seed = 0; seed < power_cuts; ++seed)
      stop_with(concat("power ", at, ' ', at + seed));
    stop_with(concat("fail ", at));
    stop_with(concat("lie ", at));
    ++times;
  }
  std::cout << steps_ << " changes of disk and database, stopped at " << times << " of them\n";
}

TEST_P(InterruptedPass, AtEveryAnswerOfTheServer_TheNextOneEndsTheSame) {
  ASSERT_NO_FATAL_FAILURE(measure());
  ASSERT_FALSE(ends_.empty());
  std::set<std::size_t> points;
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    for (std::size_t at = begin + 1; is_long() && at <= end; ++at)
      points.insert(at);
    points.insert({(begin + end + 1) / 2, end});
    begin = end;
  }
  points.erase(0);
  std::size_t number = 0;
  for (const std::size_t at : points) {
    if (HasFailure()) return;
    if (!is_long() && ++number % 2 != 0) continue;
    stop_with(concat("cut ", at));
    stop_with(concat("die ", at));
  }
  std::cout << ends_.size() << " answers, " << ends_.back() << " bytes, stopped at "
            << (is_long() ? points.size() : points.size() / 2) << " of them\n";
}

INSTANTIATE_TEST_SUITE_P(Scenarios, InterruptedPass,
                         ::testing::Combine(::testing::ValuesIn(kScenarios), ::testing::ValuesIn(kOffers)),
                         [](const auto& of) {
                           const std::string offers = std::get<1>(of.param);
                           return concat(std::get<0>(of.param).name, offers.empty() ? "Plain" : "Qresync");
                         });

} // namespace
} // namespace mailmoor::testing
