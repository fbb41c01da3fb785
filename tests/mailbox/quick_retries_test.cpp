#include "mailbox/quick_retries.h"

#include "mailbox/mailbox_world.h"

#include <array>

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

constexpr double kAlmostOne = 0.999999999;

[[nodiscard]] Error lost() {
  return {ErrorKind::kHost, "connection_lost", "seen"};
}
void work(QuickRetries& quick, QuickRetries::Duration lasted = 1s) {
  quick.session_ended(lasted, /*in_step=*/true, /*brought_mail=*/true);
}

TEST(QuickRetries, BeforeAnySessionWorked_NoneIsQuick) {
  QuickRetries quick;
  EXPECT_FALSE(quick.after(lost(), 0.5));
  quick.session_ended(29s, /*in_step=*/true, /*brought_mail=*/false);
  EXPECT_FALSE(quick.after(lost(), 0.5)) << "it brought nothing, and was gone soon";
  quick.session_ended(1h, /*in_step=*/false, /*brought_mail=*/false);
  EXPECT_FALSE(quick.after(lost(), 0.5)) << "it did nothing for an hour";
}

// A line that is away for five seconds is always met again by a quick try: four of them were over after 3.9 s once.
TEST(QuickRetries, AfterASessionThatWorked_SixSecondsAreQuick) {
  for (const double random01 : {0.0, 0.3, 0.5, 0.7, kAlmostOne}) {
    QuickRetries quick;
    work(quick);
    std::chrono::milliseconds all{}, longest{};
    int tries = 0;
    while (const auto wait = quick.after(lost(), random01)) {
      EXPECT_GE(*wait, 500ms) << "try " << tries;
      all += *wait;
      longest = std::max(longest, *wait);
      ASSERT_LE(++tries, 7);
    }
    EXPECT_GT(all, 5500ms) << random01;
    EXPECT_LE(all, 6s);
    EXPECT_LE(longest, 2s);
    EXPECT_FALSE(quick.after(lost(), random01)) << "and none comes after them";
    quick.session_ended(30s, /*in_step=*/true, /*brought_mail=*/false);
    EXPECT_TRUE(quick.after(lost(), random01)) << "half a minute in step is work, too";
  }
}

TEST(QuickRetries, WhatAServerSays_GoesByTheLadderAndEndsTheRow) {
  Error throttled(ErrorKind::kMailbox, "throttled", "seen");
  throttled.imposed_wait = 1s;
  Error lost_and_imposed = lost();
  lost_and_imposed.imposed_wait = 1s;
  for (const Error& said :
       {throttled, lost_and_imposed, Error(ErrorKind::kHost, "session_closed", "seen"),
        Error(ErrorKind::kMailbox, "server_unavailable", "seen"),
        Error(ErrorKind::kMailbox, "too_many_connections", "x"), Error(ErrorKind::kOperator, "auth_rejected", "seen"),
        Error(ErrorKind::kBug, "command_refused", "seen"), Error(ErrorKind::kHost, "tls_untrusted", "seen"),
        Error(ErrorKind::kHost, "token_endpoint_unavailable", "x")}) {
    QuickRetries quick;
    work(quick);
    EXPECT_FALSE(quick.after(said, 0.5)) << said.code;
    EXPECT_FALSE(quick.after(lost(), 0.5)) << "after " << said.code;
  }
}

TEST(QuickRetries, ServerThatWorksASecondAndDrops_UsesThemUpForGood) {
  QuickRetries quick;
  int sessions = 0;
  for (work(quick); quick.after(lost(), 0.5); work(quick))
    ASSERT_LT(++sessions, 100);
  EXPECT_GE(sessions, QuickRetries::kMost);
  int more = 0;
  for (int i = 0; i < 300; ++i) {
    work(quick);
    more += quick.after(lost(), 0.5) ? 1 : 0;
  }
  EXPECT_EQ(10, more) << "each is earned by half a minute";
}

TEST(QuickRetries, Saved_AreNoMoreThanTheMost) {
  QuickRetries quick;
  work(quick, 1000h);
  int sessions = 0;
  for (; quick.after(lost(), 0.5); work(quick, 0s))
    ASSERT_LE(++sessions, QuickRetries::kMost);
  EXPECT_EQ(QuickRetries::kMost, sessions);
}

class QuickRetriesTest : public MailboxWorld {
 protected:
  // The wait after the fault of connection `number`.
  [[nodiscard]] runtime::Duration wait_after_connection(int number) {
    EXPECT_TRUE(world.until([&] { return server.connections == number && mailbox->view().retry_at; }))
        << server.connections << " " << mailbox_state_name(mailbox->view().state);
    return mailbox->view().retry_at.value_or(world.now()) - world.loop.wall_now();
  }
  void drop_when_idle() {
    server.answer = [](const std::string& command) -> std::optional<std::string> {
      if (command == "IDLE") return "%close";
      return {};
    };
  }
};

TEST_F(QuickRetriesTest, LineThatBreaksWhileMailComes_IsBackWithinTwoSecondsEachTime) {
  drop_when_idle();
  for (int tries = 1; tries <= 20; ++tries) {
    server.folders["INBOX"].deliver(message("news"));
    if (tries == 1) start();
    EXPECT_LE(wait_after_connection(tries), 2s); // shown in whole seconds
    EXPECT_EQ(static_cast<std::size_t>(tries), delivered());
    EXPECT_EQ("connection_lost", mailbox->last_error()->code);
    ASSERT_NO_FATAL_FAILURE(pass_retry());
  }
}

TEST_F(QuickRetriesTest, ServerThatBringsMailAndDropsForEver_EndsOnTheLadder) {
  drop_when_idle();
  int quick = 0;
  for (int tries = 1; tries <= QuickRetries::kMost + 15; ++tries) {
    server.folders["INBOX"].deliver(message("news"));
    if (tries == 1) start();
    const runtime::Duration wait = wait_after_connection(tries);
    quick += wait <= 2s ? 1 : 0;
    if (tries > QuickRetries::kMost + 13) {
      EXPECT_GE(wait, 7min);
    }
    ASSERT_NO_FATAL_FAILURE(pass_retry());
  }
  EXPECT_LE(quick, QuickRetries::kMost + 4);
}

// Three faults of the line, then a command that is called wrong: it is the first one of its kind.
TEST_F(QuickRetriesTest, FaultOfAnotherLadder_BeginsAtItsFirstStep) {
  server.answer = [this](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("LIST") && server.connections <= 6) return "%close";
    if (command.starts_with("LIST") && server.connections <= 8) return "%t BAD what is that\r\n";
    if (command.starts_with("LIST")) return "%close";
    return {};
  };
  start();
  for (int tries = 1; tries <= 6; ++tries) {
    static_cast<void>(wait_after_connection(tries));
    ASSERT_NO_FATAL_FAILURE(pass_retry());
  }
  EXPECT_LE(wait_after_connection(7), 61s) << "the first of the ladder of those that need someone";
  EXPECT_EQ(ErrorKind::kBug, mailbox->last_error()->kind);
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  const runtime::Duration second = wait_after_connection(8);
  EXPECT_GE(second, 150s);
  EXPECT_LE(second, 301s);
  ASSERT_NO_FATAL_FAILURE(pass_retry());
  const runtime::Duration seventh = wait_after_connection(9);
  EXPECT_GE(seventh, 160s) << "the line goes on where it was";
  EXPECT_LE(seventh, 321s);
}

TEST_F(QuickRetriesTest, WordsOutsideImap_AreNoBrokenLine) {
  server.folders["INBOX"].deliver(message("one"));
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command == "IDLE") return "Server Unavailable. 15\r\n%close";
    return {};
  };
  start();
  EXPECT_GE(wait_after_connection(1), 2500ms);
  EXPECT_EQ("server_unavailable", mailbox->last_error()->code);
}

} // namespace
} // namespace mailmoor::mailbox
