// Messages that do not come, each in the way that a server was seen to do it: asked for alone, on a schedule of their
// own, told once, and in nobody's way.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kExchange = "* OK The Microsoft Exchange IMAP4 service is ready. [TQBX]\r\n";
constexpr const char* kNotice =
    "MIME-Version: 1.0\r\nFrom: Microsoft Exchange Server 2010\r\n"
    "Subject: Retrieval using the IMAP4 protocol failed for the following message: 3\r\n\r\n"
    "The server couldn't retrieve the following message:\r\n";

class PoisonTest : public MailboxWorld {
 protected:
  void SetUp() override {
    settings.push = false;
    settings.poll = 24h * 30;
    for (int i = 1; i <= 5; ++i)
      server.folders["INBOX"].deliver(message(concat("m ", i)));
  }
  // What the server says to a FETCH of bodies that UID 3 is among; the others' are as ever.
  void answer_for_three(std::string untagged, std::string tagged = "%t OK FETCH completed.\r\n") {
    server.answer = [this, untagged, tagged](const std::string& command) -> std::optional<std::string> {
      if (!command.contains("BODY.PEEK[]")) return {};
      const UidSet asked = *UidSet::parse(command.substr(10, command.find(" (") - 10));
      if (!asked.contains(*Uid::from(3))) return {};
      std::string text;
      asked.for_each([&](Uid uid) {
        const std::string& body = server.folders["INBOX"].messages.at(uid.value());
        if (uid.value() != 3)
          text += concat("* ", uid.value(), " FETCH (UID ", uid.value(), " FLAGS () BODY[] {", body.size(), "}\r\n",
                         body, ")\r\n");
      });
      return text + untagged + tagged;
    };
  }
  [[nodiscard]] bool pass() {
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status) { done = true; }));
    return world.until([&done] { return done; });
  }
  [[nodiscard]] const sync::RetryRecords& poison() const { return mailbox->folders().at("INBOX").recorded.retries; }
  // Of those that do not come, how many have a wait before them.
  [[nodiscard]] std::size_t poison_waits() const {
    const auto folder = mailbox->folders().find("INBOX");
    if (folder == mailbox->folders().end()) return 0;
    return static_cast<std::size_t>(std::ranges::count_if(
        folder->second.recorded.retries, [this](const auto& retry) { return retry.next_try > world.now(); }));
  }
  // The other four are here, UID 3 waits for its next try with this reason, and the mailbox is complete but for it.
  void expect_only_three_is_missing(std::string_view reason) {
    EXPECT_EQ(4U, delivered());
    ASSERT_EQ(1U, poison().size());
    EXPECT_EQ(3U, poison()[0].uid.value());
    EXPECT_THAT(poison()[0].reason, HasSubstr(std::string(reason)));
    EXPECT_EQ(1U, poison()[0].strikes);
    EXPECT_EQ(world.now() + 10min, poison()[0].next_try);
    EXPECT_EQ(0U, mailbox->view().behind);
    EXPECT_TRUE(mailbox->view().last_sync);
    EXPECT_EQ(1U, world.counters.errors[ErrorKind::kMessage]);
  }
  // Not before its time, then alone, and when it comes all is well.
  void expect_three_comes_in_its_time() {
    const std::size_t asked = server.asked("UID FETCH 3 ");
    ASSERT_TRUE(pass());
    EXPECT_EQ(asked, server.asked("UID FETCH 3 ")) << "not before its time";
    server.answer = [](const std::string&) -> std::optional<std::string> { return {}; };
    world.clock.advance(10min);
    ASSERT_TRUE(pass());
    EXPECT_EQ(asked + 1, server.asked("UID FETCH 3 "));
    EXPECT_EQ(5U, delivered());
    EXPECT_TRUE(poison().empty());
    EXPECT_TRUE(mailbox->folders().at("INBOX").told_poison.empty());
  }
};

TEST_F(PoisonTest, OkWithoutData_IsRetriedAlone) {
  answer_for_three("");
  start();
  ASSERT_TRUE(pass());
  expect_only_three_is_missing("OK and sent nothing");
  expect_three_comes_in_its_time();
}

TEST_F(PoisonTest, BodyNil_IsRetriedAlone) {
  answer_for_three("* 3 FETCH (UID 3 FLAGS () BODY[] NIL)\r\n");
  start();
  ASSERT_TRUE(pass());
  expect_only_three_is_missing("NIL");
  expect_three_comes_in_its_time();
}

TEST_F(PoisonTest, NoForAllBecauseOfOne_IsSettledOneByOne) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.contains("BODY.PEEK[]")) return {};
    const UidSet asked = *UidSet::parse(command.substr(10, command.find(" (") - 10));
    if (asked.contains(*Uid::from(3))) return "%t NO The specified message set is invalid.\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(pass());
  expect_only_three_is_missing("The specified message set is invalid.");
  expect_three_comes_in_its_time();
}

TEST_F(PoisonTest, NoAfterSomeOfThem_KeepsThose) {
  answer_for_three("", "%t NO Server Unavailable. 15\r\n");
  start();
  ASSERT_TRUE(pass());
  expect_only_three_is_missing("Server Unavailable. 15");
  EXPECT_EQ(0U, server.asked("UID FETCH 1 ")) << "what came is not asked for again";
  expect_three_comes_in_its_time();
}

TEST_F(PoisonTest, AnswerThatIsNoImap_IsRetriedAlone) {
  answer_for_three("* 3 FETCH (UID 3 FLAGS () BODY[] {5}\r\nhello garbage\r\n");
  start();
  ASSERT_TRUE(pass());
  expect_only_three_is_missing("could not be read");
  expect_three_comes_in_its_time();
}

TEST_F(PoisonTest, ExchangesSubstitute_IsNotStored) {
  server.greeting = kExchange;
  answer_for_three(
      concat("* 3 FETCH (UID 3 FLAGS () BODY[] {", std::string_view(kNotice).size(), "}\r\n", kNotice, ")\r\n"));
  start();
  ASSERT_TRUE(pass());
  expect_only_three_is_missing("notice in its place");
  for (const auto& [name, bytes] : disk.files("/mail/alice/tmp"))
    ADD_FAILURE() << "left in tmp: " << name;
  expect_three_comes_in_its_time();
}

TEST_F(PoisonTest, TheSameFromAnotherServer_IsAMessage) {
  server.folders["INBOX"].messages[3] = kNotice;
  start();
  ASSERT_TRUE(pass());
  EXPECT_EQ(5U, delivered());
  EXPECT_TRUE(poison().empty());
}

TEST_F(PoisonTest, ForwardedSubstituteOnExchange_IsAMessage) {
  server.greeting = kExchange;
  server.folders["INBOX"].messages[3] = concat("Message-ID: <1@example.com>\r\n", kNotice);
  start();
  ASSERT_TRUE(pass());
  EXPECT_EQ(5U, delivered());
}

// RFC822.SIZE is an estimate with Exchange: what came is what counts.
TEST_F(PoisonTest, SizeThatIsFarOff_ChangesNothing) {
  const std::string& body = server.folders["INBOX"].messages[3];
  answer_for_three(
      concat("* 3 FETCH (UID 3 FLAGS () RFC822.SIZE 999999 BODY[] {", body.size(), "}\r\n", body, ")\r\n"));
  start();
  ASSERT_TRUE(pass());
  EXPECT_EQ(5U, delivered());
  EXPECT_TRUE(poison().empty());
}

TEST_F(PoisonTest, DeletedBetweenListingAndFetch_IsNoPoison) {
  server.answer = [this](const std::string& command) -> std::optional<std::string> {
    if (command.contains("BODY.PEEK[]")) server.folders["INBOX"].messages.erase(3);
    return {};
  };
  start();
  ASSERT_TRUE(pass());
  EXPECT_EQ(4U, delivered());
  EXPECT_TRUE(poison().empty());
  EXPECT_TRUE(mailbox->folders().at("INBOX").told_poison.empty());
  EXPECT_TRUE(mailbox->view().last_sync);
}

TEST_F(PoisonTest, EachTryThatFails_WaitsLonger) {
  answer_for_three("");
  start();
  ASSERT_TRUE(pass());
  for (const auto wait : {std::chrono::seconds(10min), std::chrono::seconds(1h), std::chrono::seconds(6h),
                          std::chrono::seconds(24h), std::chrono::seconds(24h * 7), std::chrono::seconds(24h * 7)}) {
    ASSERT_EQ(1U, poison().size());
    EXPECT_EQ(world.now() + wait, poison()[0].next_try);
    world.clock.advance(wait);
    ASSERT_TRUE(pass());
  }
  EXPECT_EQ(4U, delivered());
}

TEST_F(PoisonTest, Restart_RemembersTheScheduleAndWhatWasTold) {
  answer_for_three("");
  start();
  ASSERT_TRUE(pass());
  ASSERT_EQ(1U, mailbox->folders().at("INBOX").told_poison.size());
  const std::size_t asked = server.asked("UID FETCH 3 ");
  start();
  ASSERT_TRUE(pass());
  EXPECT_EQ(asked, server.asked("UID FETCH 3 "));
  EXPECT_EQ(1U, mailbox->folders().at("INBOX").told_poison.size());
  expect_three_comes_in_its_time();
}

TEST_F(PoisonTest, CutInTheMiddleOfOne_StopsTheOthersOnlyForAMoment) {
  answer_for_three("* 3 FETCH (UID 3 FLAGS () BODY[] {1000}\r\nonly so much", "%close");
  start();
  for (int tries = 0; tries < 12 && poison_waits() == 0; ++tries) {
    ASSERT_TRUE(world.until([&] { return mailbox->view().retry_at || poison_waits() != 0; }));
    if (!mailbox->view().retry_at) continue;
    ASSERT_NO_FATAL_FAILURE(pass_retry());
    ASSERT_TRUE(world.until([&] { return !mailbox->view().retry_at || poison_waits() != 0; }));
  }
  ASSERT_TRUE(
      world.until([&] { return mailbox->view().last_sync.has_value() || mailbox->view().retry_at.has_value(); }));
  if (mailbox->view().retry_at) {
    ASSERT_NO_FATAL_FAILURE(pass_retry());
    ASSERT_TRUE(world.until([&] { return mailbox->view().last_sync.has_value(); }));
  }
  EXPECT_EQ(4U, delivered());
  ASSERT_EQ(1U, poison().size());
  EXPECT_EQ(3U, poison()[0].strikes) << "two losses cost nothing, the third one a wait";
  EXPECT_TRUE(disk.files("/mail/alice/tmp").empty());
}

} // namespace
} // namespace mailmoor::mailbox
