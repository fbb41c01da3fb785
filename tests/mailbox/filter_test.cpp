// since, max_age and max_size: what is left out, what that costs, and what a change of them brings.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kOld = "01-Jan-2020 00:00:00 +0000"; // the others come from 2023-11-14
const UnixTime kBetween = std::chrono::sys_days(std::chrono::year(2022) / 1 / 1);

class FilterTest : public MailboxWorld {
 protected:
  void SetUp() override {
    settings.push = false;
    settings.poll = 24h;
  }
  std::uint32_t deliver(bool old, std::size_t size = 0) {
    ImapServer::Folder& inbox = server.folders["INBOX"];
    const std::uint32_t uid = inbox.deliver(message(concat("m ", inbox.next)) + std::string(size, 'x') + "\r\n");
    if (old) inbox.dates[uid] = kOld;
    return uid;
  }
  [[nodiscard]] bool pass() {
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status status) { done = status.has_value(); }));
    return world.until([&done] { return done; });
  }
  [[nodiscard]] bool starts() {
    start();
    return pass();
  }
  [[nodiscard]] const sync::RecordedFolder& inbox() const { return mailbox->folders().at("INBOX").recorded; }
  // Commands that ask for INTERNALDATE and not for bodies.
  [[nodiscard]] std::size_t summaries() const {
    return static_cast<std::size_t>(std::ranges::count_if(server.commands, [](const std::string& command) {
      return command.contains("INTERNALDATE") && !command.contains("BODY");
    }));
  }
  [[nodiscard]] std::string bodies_asked() const {
    UidSet all;
    for (const std::string& command : server.commands)
      if (command.contains("BODY.PEEK[]")) all.insert(*UidSet::parse(command.substr(10, command.find(" (") - 10)));
    return all.to_string();
  }
};

TEST_F(FilterTest, WithoutAFilter_NothingMoreIsAsked) {
  deliver(true);
  deliver(false, 5000);
  ASSERT_TRUE(starts());
  EXPECT_EQ(2U, delivered());
  EXPECT_EQ(0U, summaries());
}

TEST_F(FilterTest, Outside_IsNotFetchedNorBehindNorAskedForAgain) {
  settings.filter = {kBetween, {}, 2000};
  settings.wants.flags = true;
  deliver(true);        // 1
  deliver(false);       // 2
  deliver(false, 5000); // 3
  deliver(true, 5000);  // 4
  ASSERT_TRUE(starts());
  EXPECT_EQ(1U, delivered());
  EXPECT_EQ("2", bodies_asked());
  EXPECT_EQ(0U, mailbox->view().behind);
  EXPECT_EQ("1,4", inbox().left_out.too_old.to_string());
  ASSERT_EQ(1U, inbox().left_out.too_large.size());
  EXPECT_EQ(3U, inbox().left_out.too_large[0].uid.value());
  EXPECT_EQ(1U, summaries());
  server.folders["INBOX"].flags = {{1, "\\Seen"}, {3, "\\Seen"}};
  ASSERT_TRUE(pass());
  EXPECT_EQ(1U, summaries()) << "no question about the same messages twice";
  EXPECT_EQ(1U, delivered());
  EXPECT_THAT(server.commands, Not(Contains(HasSubstr("SEARCH"))));
  // Nor after a restart.
  ASSERT_TRUE(starts());
  EXPECT_EQ(1U, summaries());
  EXPECT_EQ("1,4", inbox().left_out.too_old.to_string());
  // New mail is asked about by itself.
  deliver(false);
  ASSERT_TRUE(pass());
  EXPECT_EQ(2U, summaries());
  EXPECT_THAT(server.commands, Contains("UID FETCH 5 (UID FLAGS INTERNALDATE RFC822.SIZE)"));
  EXPECT_EQ(2U, delivered());
}

TEST_F(FilterTest, Widened_BringsTheRestAndNarrowedRemovesNothing) {
  settings.filter = {kBetween, {}, 2000};
  deliver(true);
  deliver(false);
  deliver(false, 5000);
  ASSERT_TRUE(starts());
  ASSERT_EQ(1U, delivered());
  settings.filter = {kBetween, {}, 20'000};
  ASSERT_TRUE(starts());
  EXPECT_EQ(2U, delivered());
  settings.filter = {};
  ASSERT_TRUE(starts());
  EXPECT_EQ(3U, delivered());
  EXPECT_TRUE(inbox().left_out.empty());
  settings.filter = {world.now(), {}, 1};
  ASSERT_TRUE(starts());
  EXPECT_EQ(3U, delivered());
  EXPECT_EQ(3U, mailbox->view().messages);
}

TEST_F(FilterTest, WidenedAndCutOff_BringsTheRestNextTime) {
  settings.filter = {kBetween, {}, {}};
  for (int i = 0; i < 4; ++i)
    deliver(true);
  ASSERT_TRUE(starts());
  ASSERT_EQ(0U, delivered());
  settings.filter = {};
  server.answer = [cut = false](const std::string& command) mutable -> std::optional<std::string> {
    if (command.contains("BODY.PEEK") && !std::exchange(cut, true)) return "%close";
    return {};
  };
  start();
  ASSERT_TRUE(becomes(MailboxState::kBackingOff));
  ASSERT_TRUE(starts());
  EXPECT_EQ(4U, delivered());
}

TEST_F(FilterTest, MessagesThatGrowOld_StayAndNoneComesBackIntoTheWindow) {
  settings.filter.max_age = std::chrono::duration_cast<std::chrono::seconds>(world.now() - kBetween);
  deliver(true);
  deliver(false);
  ASSERT_TRUE(starts());
  EXPECT_EQ(1U, delivered());
  world.clock.advance(24h * 800);
  ASSERT_TRUE(pass());
  EXPECT_EQ(1U, delivered());
  EXPECT_EQ(1U, mailbox->view().messages);
  EXPECT_EQ("2", bodies_asked());
  EXPECT_EQ(1U, summaries());
}

TEST_F(FilterTest, DeletionsBesideAFilter_AreMirrored) {
  settings.filter = {kBetween, {}, 2000};
  settings.wants = {true, true};
  deliver(true);
  deliver(false);
  deliver(false, 5000);
  deliver(false);
  deliver(true);
  ASSERT_TRUE(starts());
  ASSERT_EQ(2U, delivered());
  for (const std::uint32_t gone : {1U, 3U, 4U})
    server.folders["INBOX"].messages.erase(gone);
  ASSERT_TRUE(pass());
  EXPECT_EQ(1U, delivered());
  EXPECT_EQ("5", inbox().left_out.uids().to_string());
  EXPECT_EQ(MailboxState::kIdle, mailbox->view().state) << "nothing is held";
}

TEST_F(FilterTest, DatabaseLost_AsksOnceMoreAndFetchesNothingTwice) {
  settings.filter = {kBetween, {}, {}};
  deliver(true);
  deliver(false);
  ASSERT_TRUE(starts());
  mailbox.reset();
  world.run_ready();
  ASSERT_TRUE(world.state.forget_mailbox_blocking("alice"));
  server.commands.clear();
  ASSERT_TRUE(starts());
  EXPECT_EQ("", bodies_asked());
  EXPECT_THAT(server.commands, Contains("UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)"));
  EXPECT_EQ(1U, delivered());
}

TEST_F(FilterTest, SummariesRefusedForOne_TheOthersAreJudged) {
  settings.filter = {kBetween, {}, {}};
  for (int i = 1; i <= 8; ++i)
    deliver(i != 3 && i != 8);
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("UID FETCH") || !command.contains("INTERNALDATE")) return {};
    const auto asked = UidSet::parse(command.substr(10, command.find(" (") - 10));
    if (asked->contains(*Uid::from(3)) && !command.contains("BODY"))
      return "%t NO The specified message set is invalid.\r\n";
    return {};
  };
  ASSERT_TRUE(starts());
  EXPECT_EQ("3,8", bodies_asked());
  EXPECT_EQ(2U, delivered());
}

TEST_F(FilterTest, SummaryThatKillsTheSession_DoesNotStopItsNeighbours) {
  settings.filter = {kBetween, {}, {}};
  for (int i = 0; i < 5; ++i)
    deliver(false);
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.contains("INTERNALDATE")) return {};
    const auto asked = UidSet::parse(command.substr(10, command.find(" (") - 10));
    if (asked->contains(*Uid::from(3))) return "%close";
    return {};
  };
  start();
  for (int tries = 0; tries < 12 && delivered() < 4; ++tries) {
    ASSERT_TRUE(world.until([&] { return mailbox->view().retry_at || delivered() == 4; }));
    if (!mailbox->view().retry_at) continue;
    ASSERT_NO_FATAL_FAILURE(pass_retry());
    ASSERT_TRUE(world.until([&] { return !mailbox->view().retry_at || delivered() == 4; }));
  }
  EXPECT_EQ(4U, delivered());
}

} // namespace
} // namespace mailmoor::mailbox
