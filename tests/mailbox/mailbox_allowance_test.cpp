// A mailbox that holds back: after its server said that it is too much, and where the bytes of a day are capped.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::string_view kSlowDown =
    "%t BAD Request is throttled. Suggested Backoff Time: 60000 milliseconds\r\n* BYE Connection closed. 14\r\n%close";

class MailboxAllowanceTest : public MailboxWorld {
 protected:
  void fill(std::size_t messages, std::size_t size = 100) {
    for (std::size_t i = 0; i < messages; ++i)
      server.folders["INBOX"].deliver(concat(message("one"), std::string(size, 'x'), "\r\n"));
  }
  // The first FETCH of bodies after `good` of them is answered with `text`.
  void answer_fetch(std::string text, int good = 0) {
    server.answer = [text = std::move(text), good](const std::string& command) mutable -> std::optional<std::string> {
      if (!command.contains("BODY.PEEK[]") || good-- != 0) return {};
      return text;
    };
  }
  // Lets time pass in small steps until it is so; how long that took.
  [[nodiscard]] runtime::Duration time_until(const std::function<bool()>& is_so) {
    const runtime::MonoTime began = world.loop.now();
    while (!is_so() && world.loop.now() < began + 1h) {
      world.clock.advance(200ms);
      const auto settled = [steps = 0]() mutable { return ++steps > 20; };
      static_cast<void>(world.until(settled));
    }
    EXPECT_TRUE(is_so());
    return world.loop.now() - began;
  }
};

TEST_F(MailboxAllowanceTest, WithoutAnyComplaint_ThereIsNoLimit) {
  fill(300);
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(300U, delivered());
  EXPECT_EQ(std::nullopt, mailbox->view().rate_limit);
  EXPECT_EQ(3U, server.asked("UID FETCH") - 1) << "a listing, and a hundred with each command";
}

TEST_F(MailboxAllowanceTest, Throttled_FetchesWithHalfTheRateAfterThePause) {
  fill(200);
  answer_fetch(std::string(kSlowDown), /*good=*/1);
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  ASSERT_EQ(100U, delivered());
  // A hundred within the second: 100/s before it.
  ASSERT_TRUE(mailbox->view().rate_limit);
  EXPECT_DOUBLE_EQ(50.0, *mailbox->view().rate_limit);
  world.clock.advance(60s + 1ms);
  const runtime::Duration took = time_until([&] { return delivered() == 200; });
  EXPECT_GE(took, 900ms) << "a hundred at fifty a second, one second of it saved up";
  EXPECT_LE(took, 3s);
}

TEST_F(MailboxAllowanceTest, ThrottledOk_SlowsDownWithoutAnError) {
  fill(60);
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("LIST")) return "* LIST () \"/\" INBOX\r\n%t OK done [THROTTLED]\r\n";
    return {};
  };
  start();
  const runtime::Duration took = time_until([&] { return delivered() == 60; });
  EXPECT_GE(took, 13s) << "four a second";
  ASSERT_TRUE(idles());
  EXPECT_EQ(std::nullopt, mailbox->last_error());
  EXPECT_EQ(1, server.connections);
  EXPECT_TRUE(world.logged.empty()) << "no fault";
  EXPECT_DOUBLE_EQ(4.0, *mailbox->view().rate_limit);
}

TEST_F(MailboxAllowanceTest, Restart_RemembersTheRate) {
  fill(200);
  answer_fetch(std::string(kSlowDown), /*good=*/1);
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  world.run_ready();
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  EXPECT_DOUBLE_EQ(50.0, mailbox->view().rate_limit.value_or(0));
}

TEST_F(MailboxAllowanceTest, StopWhileThePaceWaits_IsNotHeldUp) {
  fill(100);
  answer_fetch(std::string(kSlowDown));
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  world.clock.advance(60s + 1ms);
  static_cast<void>(time_until([&] { return delivered() != 0; }));
  ASSERT_LT(delivered(), 100U);
  mailbox->stop();
  EXPECT_LE(time_until([&] { return mailbox->finished().is_set(); }), 2s);
}

class DailyBytesTest : public MailboxAllowanceTest {};

TEST_F(DailyBytesTest, BackfillThatDoesNotFit_WaitsForAnotherDay) {
  fill(60, 10'000);
  settings.daily_bytes = 400'000;
  start();
  ASSERT_TRUE(world.until([&] { return mailbox->view().state == MailboxState::kThrottled && server.is_idling(); }));
  const std::size_t first_day = delivered();
  EXPECT_GE(first_day, 33U);
  EXPECT_LE(first_day, 37U);
  const MailboxView view = mailbox->view();
  EXPECT_EQ(60U - first_day, view.behind);
  EXPECT_THAT(view.reason, HasSubstr("daily_bytes: "));
  EXPECT_THAT(view.reason, HasSubstr("messages wait, new mail still comes"));
  EXPECT_EQ(std::nullopt, view.last_sync) << "no complete pass";
  EXPECT_EQ(400'000U, view.daily_bytes);
  EXPECT_GE(view.daily_bytes_used, 360'000U);
  ASSERT_TRUE(view.retry_at);
  EXPECT_GE(*view.retry_at, world.now() + 24h);
  EXPECT_LE(*view.retry_at, world.now() + 25h);
  EXPECT_EQ(std::nullopt, mailbox->imposed_pause()) << "our own doing";
  EXPECT_EQ(1, server.connections);

  // New mail comes all the same.
  server.folders["INBOX"].deliver(message("new"));
  server.tell("* 61 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == first_day + 1; }));

  // And the rest on the days after it.
  const auto all_is_here = [&] { return delivered() == 61; };
  for (int days = 0; days < 4 && !all_is_here(); ++days) {
    ASSERT_TRUE(world.until([&] { return server.is_idling(); }));
    const std::size_t before = delivered();
    world.clock.advance(25h);
    ASSERT_TRUE(world.until([&] { return delivered() > before && server.is_idling(); })) << days;
  }
  EXPECT_TRUE(all_is_here());
  ASSERT_TRUE(idles());
  EXPECT_EQ("", mailbox->view().reason);
  EXPECT_TRUE(mailbox->view().last_sync);
}

TEST_F(DailyBytesTest, Restart_GrantsNoSecondDay) {
  fill(60, 10'000);
  settings.daily_bytes = 400'000;
  start();
  ASSERT_TRUE(becomes(MailboxState::kThrottled));
  ASSERT_TRUE(world.until([&] { return server.is_idling(); }));
  const std::size_t first_day = delivered();
  world.run_ready();
  start();
  ASSERT_TRUE(world.until([&] { return server.connections == 2 && server.is_idling(); }));
  EXPECT_EQ(MailboxState::kThrottled, mailbox->view().state);
  EXPECT_EQ(first_day, delivered());
}

TEST_F(DailyBytesTest, NotEvenNewMailFits_SaysSoAndDoesNotSpin) {
  fill(10, 1000);
  settings.daily_bytes = 3000;
  start();
  ASSERT_TRUE(world.until([&] { return mailbox->view().state == MailboxState::kThrottled && server.is_idling(); }));
  EXPECT_THAT(mailbox->view().reason, HasSubstr("messages wait"));
  const std::size_t commands = server.commands.size();
  for (int i = 0; i < 5; ++i) {
    server.folders["INBOX"].deliver(message("new"));
    server.tell(concat("* ", 11 + i, " EXISTS\r\n"));
    ASSERT_TRUE(world.until([&] { return server.is_idling(); }));
    static_cast<void>(world.until([turns = 0]() mutable { return ++turns > 30; }));
  }
  EXPECT_THAT(mailbox->view().reason, ::testing::Not(HasSubstr("new mail still comes")));
  EXPECT_LE(server.commands.size(), commands + 30) << "some IDLE and EXAMINE for each, no more";
}

TEST_F(DailyBytesTest, SyncByTheOperator_IsToldWhatIsLeft) {
  fill(60, 10'000);
  settings.daily_bytes = 400'000;
  start();
  ASSERT_TRUE(world.until([&] { return mailbox->view().state == MailboxState::kThrottled && server.is_idling(); }));
  std::optional<Status> told;
  static_cast<void>(mailbox->sync_now([&told](Status status) { told.emplace(std::move(status)); }));
  ASSERT_TRUE(world.until([&] { return told.has_value(); }));
  ASSERT_FALSE(*told);
  EXPECT_EQ("daily_bytes_spent", told->error().code);
}

} // namespace
} // namespace mailmoor::mailbox
