// What goes wrong around a mailbox: the disk, the line, too many of us.
#include "mailbox/mailbox_world.h"

#include <list>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

class MailboxFaultTest : public MailboxWorld {
 protected:
  [[nodiscard]] runtime::Semaphore::Permit take_one() { return world.finish(taking(world.connections)); }
  [[nodiscard]] static runtime::Task<runtime::Semaphore::Permit> taking(runtime::Semaphore& from) {
    runtime::Semaphore::Permit permit = co_await from.acquire();
    co_return permit;
  }
  [[nodiscard]] static runtime::Task<void> waiting_for(runtime::Semaphore& turn) {
    const runtime::Semaphore::Permit permit = co_await turn.acquire();
  }
};

TEST_F(MailboxFaultTest, DiskFullAtAnyStep_EverythingIsThereInTheEnd) {
  for (int i = 0; i < 5; ++i)
    server.folders["INBOX"].deliver(message("one"));
  start();
  disk.fail_at(1);
  std::size_t faults = 0;
  for (std::size_t step = 2; !server.is_idling(); ++step) {
    ASSERT_LT(step, 100U);
    ASSERT_TRUE(world.until([&] { return mailbox->view().retry_at || server.is_idling(); }));
    if (!mailbox->view().retry_at) continue;
    ++faults;
    EXPECT_EQ("disk_full", mailbox->last_error()->code);
    disk.fail_at(step);
    ASSERT_NO_FATAL_FAILURE(pass_retry());
    ASSERT_TRUE(world.until([&] { return !mailbox->view().retry_at; }));
  }
  EXPECT_GT(faults, 5U);
  EXPECT_EQ(5U, delivered());
  EXPECT_TRUE(disk.files("/mail/alice/tmp").empty());
}

TEST_F(MailboxFaultTest, SilentServer_IsGivenUpAfterTheTimeout) {
  leave_unanswered("LIST");
  start();
  ASSERT_TRUE(world.until([&] { return server.asked("LIST") == 1; }));
  world.run_ready();
  world.clock.advance(59s);
  world.run_ready();
  EXPECT_EQ(MailboxState::kSyncing, mailbox->view().state);
  world.clock.advance(2s);
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  EXPECT_EQ("io_timeout", mailbox->last_error()->code);
}

TEST_F(MailboxFaultTest, IdleThatPushesNothing_IsAskedAgainAndPolled) {
  settings.poll = 1h;
  start();
  ASSERT_TRUE(idles());
  world.clock.advance(9min + 1s);
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 2; }));
  EXPECT_EQ(1, server.connections);
  EXPECT_EQ(1U, server.asked("LIST"));
}

// After eight hours whoever was at the other end has given us up: an answer to DONE would be waited for in vain.
TEST_F(MailboxFaultTest, MachineSleepsWhileItIdles_LeavesTheConnectionWithoutAWordAndSyncsOnANewOne) {
  settings.poll = 24h;
  start();
  ASSERT_TRUE(idles());
  server.folders["INBOX"].deliver(message("came by night"));
  server.answer = [this](const std::string&) -> std::optional<std::string> {
    if (server.connections == 1) return ""; // the old one says nothing any more
    return {};
  };
  world.clock.suspend(8h);
  ASSERT_TRUE(world.until([&] { return delivered() == 1 && server.is_idling(); }))
      << mailbox_state_name(mailbox->view().state) << ": " << mailbox->view().reason
      << ::testing::PrintToString(server.commands);
  EXPECT_EQ(2, server.connections);
  EXPECT_FALSE(mailbox->last_error());
}

// A loop that was held up for long is no sleep: the server has heard nothing of it, and the connection is kept.
TEST_F(MailboxFaultTest, WaitThatEndsLateWithoutSleep_KeepsTheConnection) {
  settings.poll = 24h;
  start();
  ASSERT_TRUE(idles());
  world.clock.advance(20min);
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 2; }));
  EXPECT_EQ(1, server.connections);
}

TEST_F(MailboxFaultTest, WaitsForAConnection_SaysSo) {
  std::vector<runtime::Semaphore::Permit> others;
  while (world.connections.free_permits() != 0)
    others.push_back(take_one());
  start();
  world.run_ready();
  EXPECT_EQ(MailboxState::kConnecting, mailbox->view().state);
  EXPECT_EQ("waits for its turn to connect (`connections` of `limits` in the configuration)", mailbox->view().reason);
  others.clear();
  ASSERT_TRUE(idles());
  EXPECT_EQ("", mailbox->view().reason);
}

TEST_F(MailboxFaultTest, WaitsForAPlaceAtItsHost_NamesThatLimit) {
  runtime::Semaphore of_host(world.loop, 0);
  settings.berths = {{&of_host, "connections_per_host"}};
  start();
  world.run_ready();
  EXPECT_EQ("waits for its turn to connect (`connections_per_host` of `limits` in the configuration)",
            mailbox->view().reason);
  mailbox.reset(); // before the places
}

TEST_F(MailboxFaultTest, WaitsForItsLogin_NamesThePace) {
  runtime::Semaphore turn(world.loop, 0);
  mailbox.emplace(world.services, settings, nullptr, [&turn] { return waiting_for(turn); });
  mailbox->start();
  world.run_ready();
  EXPECT_EQ("waits for its turn to connect (`logins_per_minute` of `limits` in the configuration)",
            mailbox->view().reason);
  mailbox.reset();
}

TEST_F(MailboxFaultTest, IdleThatGivesWay_LeavesOnlyWhereSomebodyWaits) {
  settings.poll = 1h;
  start();
  EXPECT_FALSE(mailbox->give_way()) << "it is connecting";
  ASSERT_TRUE(idles());
  std::vector<runtime::Semaphore::Permit> others;
  while (world.connections.free_permits() != 0)
    others.push_back(take_one());
  EXPECT_TRUE(mailbox->give_way());
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 2; })) << "nobody waits: on with it";
  std::optional<runtime::Semaphore::Permit> waited;
  runtime::TaskRunner<runtime::Semaphore::Permit> waiting;
  waiting.start(taking(world.connections), [&](runtime::Semaphore::Permit permit) { waited = std::move(permit); });
  world.run_ready();
  EXPECT_FALSE(waited) << "an idle mailbox keeps its connection";
  EXPECT_TRUE(mailbox->give_way());
  ASSERT_TRUE(world.until([&] { return waited.has_value(); }));
  EXPECT_EQ(MailboxState::kIdle, mailbox->view().state);
  EXPECT_EQ(1, server.connections) << "it comes back at its next poll";
}

TEST_F(MailboxFaultTest, ServerThatDoesNotAnswerDone_IsGivenUpAfterTheTimeout) {
  start();
  ASSERT_TRUE(idles());
  server.answer = [](const std::string&) -> std::optional<std::string> { return ""; };
  static_cast<void>(mailbox->sync_now([](const Status&) {}));
  ASSERT_TRUE(world.until([&] { return !server.is_idling(); }));
  world.run_ready();
  world.clock.advance(61s);
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
}

TEST_F(MailboxFaultTest, ClosedForInactivity_ComesBackAfterAMoment) {
  start();
  ASSERT_TRUE(idles());
  world.pass(4min);
  server.tell("* BYE Connection is closed. 13\r\n");
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  EXPECT_LE(*mailbox->view().retry_at, world.now() + 6s);
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  ASSERT_TRUE(idles());
}

TEST_F(MailboxFaultTest, ClosedAfterALongSession_ConnectsAgainAtOnceAndIsNoFault) {
  settings.poll = 1h;
  start();
  ASSERT_TRUE(idles());
  world.pass(6min);
  server.folders["INBOX"].deliver(message("meanwhile"));
  server.tell("* BYE Connection is closed. 13\r\n");
  ASSERT_TRUE(world.until([&] { return server.connections == 2 && delivered() == 1; }));
  EXPECT_EQ(std::nullopt, mailbox->last_error());
  EXPECT_TRUE(world.logged.empty());
}

TEST_F(MailboxFaultTest, AcceptedAndDroppedOverAndOver_ClimbsTheLadder) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command == "IDLE") return "%close";
    return {};
  };
  start();
  for (int tries = 1; tries <= 10; ++tries) {
    ASSERT_TRUE(world.until([&] { return server.connections == tries && mailbox->view().retry_at; }));
    if (tries == 10) {
      EXPECT_GE(*mailbox->view().retry_at, world.now() + 7min);
    }
    ASSERT_NO_FATAL_FAILURE(pass_retry());
  }
}

TEST_F(MailboxFaultTest, ShortSessionThatEndedWell_ClearsTheLadder) {
  bool drops = true;
  server.answer = [&drops](const std::string& command) -> std::optional<std::string> {
    if (command == "IDLE" && drops) return "%close";
    return {};
  };
  start();
  for (int tries = 1; tries <= 6; ++tries) {
    ASSERT_TRUE(world.until([&] { return server.connections == tries && mailbox->view().retry_at; }));
    if (tries == 6) drops = false;
    ASSERT_NO_FATAL_FAILURE(pass_retry());
  }
  ASSERT_TRUE(idles());
  mailbox->pause(); // ends the session in order, a moment after it began
  ASSERT_TRUE(becomes(MailboxState::kPaused));
  drops = true;
  mailbox->resume();
  ASSERT_TRUE(world.until([&] { return server.connections == 8 && mailbox->view().retry_at; }));
  EXPECT_LE(*mailbox->view().retry_at, world.now() + 6s);
}

// Who restarts the daemon has mended something, or wants to see; the ladder goes on where it was.
TEST_F(MailboxFaultTest, Restart_TriesOnceInsideItsOwnBackOffAndKeepsTheLadder) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command == "IDLE") return "%close";
    return {};
  };
  start();
  for (int tries = 1; tries <= 6; ++tries) {
    ASSERT_TRUE(world.until([&] { return server.connections == tries && mailbox->view().retry_at; }));
    if (tries < 6) {
      ASSERT_NO_FATAL_FAILURE(pass_retry());
    }
  }
  world.run_ready();
  start();
  ASSERT_TRUE(world.until([&] { return server.connections == 7 && mailbox->view().retry_at; }));
  EXPECT_GE(*mailbox->view().retry_at, world.now() + 2min);
}

TEST_F(MailboxFaultTest, NoPasswordStored_IsFoundBeforeDialling) {
  settings.read_password_blocking = nullptr;
  start();
  ASSERT_TRUE(becomes(MailboxState::kNeedsLogin));
  EXPECT_EQ("password_needed", mailbox->last_error()->code);
  EXPECT_EQ(0, server.connections);
}

TEST_F(MailboxFaultTest, TakenOutInTheMiddleOfAPass_WhoWaitsIsTold) {
  leave_unanswered("LIST");
  start();
  std::optional<Status> told;
  static_cast<void>(mailbox->sync_now([&told](Status status) { told.emplace(std::move(status)); }));
  ASSERT_TRUE(world.until([&] { return server.asked("LIST") == 1; }));
  mailbox->stop();
  world.run_ready();
  EXPECT_FALSE(told);
  mailbox->dismiss_waiters();
  ASSERT_TRUE(told);
  ASSERT_FALSE(*told);
  EXPECT_EQ("stopping", told->error().code);
}

TEST_F(MailboxFaultTest, LineThatIsNoImap_EndsTheSessionOnly) {
  server.folders["INBOX"].deliver(message("one"));
  server.answer = [first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (command.contains("BODY.PEEK") && std::exchange(first, false)) return "Server Unavailable. 15\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  ASSERT_TRUE(world.until([&] { return delivered() == 1; }));
}

TEST_F(MailboxFaultTest, MessageThatKillsTheSession_DoesNotStopItsNeighbours) {
  for (int i = 0; i < 5; ++i)
    server.folders["INBOX"].deliver(message("one"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.contains("BODY.PEEK")) return {};
    const auto asked = UidSet::parse(command.substr(10, command.find(" (") - 10));
    if (asked && asked->contains(*Uid::from(3))) return "%close";
    return {};
  };
  settings.poll = 24h;
  start();
  for (int tries = 0; tries < 12 && delivered() < 4; ++tries) {
    ASSERT_TRUE(world.until([&] { return mailbox->view().retry_at || delivered() == 4; }));
    if (mailbox->view().retry_at) {
      ASSERT_NO_FATAL_FAILURE(pass_retry());
      ASSERT_TRUE(world.until([&] { return !mailbox->view().retry_at || delivered() == 4; }));
    }
  }
  EXPECT_EQ(4U, delivered());
}

TEST_F(MailboxFaultTest, MoreMailboxesThanConnections_AllHaveTheirTurn) {
  std::list<runtime::Semaphore::Permit> taken; // all but two
  while (world.connections.free_permits() > 2)
    taken.push_back(take_one());
  server.folders["INBOX"].deliver(message("one"));
  std::list<Mailbox> fleet;
  for (int i = 0; i < 6; ++i) {
    MailboxSettings one = settings;
    one.name = concat("m", i);
    one.maildir = concat("/mail/m", i);
    fleet.emplace_back(world.services, std::move(one), nullptr, [] { return at_once(); });
    fleet.back().start();
  }
  ASSERT_TRUE(world.until(
      [&] { return std::ranges::all_of(fleet, [](const Mailbox& one) { return one.view().last_sync.has_value(); }); }));
  ASSERT_TRUE(world.until([&] { return server.asked("IDLE") == 2; }));
  EXPECT_LE(server.open_connections(), 2U);
  for (const Mailbox& one : fleet) {
    EXPECT_FALSE(one.last_error());
    EXPECT_TRUE(one.makes_progress());
  }
  // And again at the next poll, though two of them could stay for good.
  server.folders["INBOX"].deliver(message("two"));
  world.clock.advance(6min);
  ASSERT_TRUE(world.until(
      [&] { return std::ranges::all_of(fleet, [](const Mailbox& one) { return one.view().messages == 2; }); }));
}

} // namespace
} // namespace mailmoor::mailbox
