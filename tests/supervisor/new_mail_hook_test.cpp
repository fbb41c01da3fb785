#include "supervisor/new_mail_hook.h"

#include "support/world.h"

#include <fstream>
#include <gmock/gmock.h>

namespace mailmoor::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NewMailHookTest : public ::testing::Test {
 protected:
  // Shows it the mailbox alice, and lets a program end that was started.
  void show(std::uint64_t delivered, bool is_receiving = false) {
    hook.look(argv, {Arrivals{"alice", "/mail/alice", delivered, is_receiving}});
    EXPECT_TRUE(world.until([this] { return runner.idle(); }));
    world.run_ready();
  }
  [[nodiscard]] std::vector<std::string> calls() {
    std::ifstream in(world.directory / "calls");
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);)
      out.push_back(line);
    return out;
  }
  testing::World world;
  std::vector<std::string> argv = {
      "/bin/sh", "-c",
      concat("echo \"$MAILMOOR_HOOK $MAILMOOR_MAILBOX $MAILMOOR_MAILDIR $MAILMOOR_MESSAGES\" >>",
             world.directory / "calls")};
  HookRunner runner{world.services};
  NewMailHook hook{runner};
};

TEST_F(NewMailHookTest, Arrivals_AreToldOnceTheirPassIsOver) {
  show(0);
  show(40, true);
  show(90, true);
  EXPECT_THAT(calls(), IsEmpty());
  show(120);
  show(120);
  EXPECT_THAT(calls(), ElementsAre("new_mail alice /mail/alice 120"));
  show(121);
  EXPECT_THAT(calls(), ElementsAre("new_mail alice /mail/alice 120", "new_mail alice /mail/alice 1"));
}

TEST_F(NewMailHookTest, WhatComesWhileTheHookRuns_IsToldByTheNextCall) {
  hook.look(argv, {Arrivals{"alice", "/m", 5, false}});
  hook.look(argv, {Arrivals{"alice", "/m", 7, false}});
  EXPECT_TRUE(world.until([this] { return runner.idle(); }));
  world.run_ready();
  show(7);
  EXPECT_THAT(calls(), ElementsAre("new_mail alice /m 5", "new_mail alice /mail/alice 2"));
}

TEST_F(NewMailHookTest, HookThatIsAddedLater_IsNotToldOfWhatWasThere) {
  hook.look({}, {Arrivals{"alice", "/m", 500, false}});
  show(500);
  EXPECT_THAT(calls(), IsEmpty());
  show(501);
  EXPECT_THAT(calls(), ElementsAre("new_mail alice /mail/alice 1"));
}

} // namespace
} // namespace mailmoor::supervisor
