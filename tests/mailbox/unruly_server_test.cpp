// Servers that say what they should not, or say it when they should not.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class UnrulyServerTest : public MailboxWorld {
 protected:
  UnrulyServerTest() {
    settings.poll = 24h;
    server.folders["Sent"];
  }
  // For so many turns of the loop at least: long enough for a mailbox that does not rest to be noticed.
  void turn(int turns = 200) {
    ASSERT_TRUE(world.until([&turns] { return --turns < 0; }));
  }
  [[nodiscard]] std::string news_of_sent() {
    server.folders["Sent"].deliver(message("sent"));
    const auto count = server.folders["Sent"].messages.size();
    return concat("* STATUS Sent (MESSAGES ", count, " UIDNEXT ", count + 1, " UIDVALIDITY 14)\r\n");
  }
};

// In one write with the answer, so that it is in the buffer already when the next command goes out.
TEST_F(UnrulyServerTest, NewsRightBehindTheAnswerToNotify_AreHeard) {
  server.capabilities += " NOTIFY";
  server.answer = [this, first = true](const std::string& command) mutable -> std::optional<std::string> {
    if (!command.starts_with("NOTIFY SET STATUS") || !std::exchange(first, false)) return {};
    std::string text = "%t OK done\r\n";
    for (int i = 0; i < 200; ++i)
      text += concat("* STATUS \"elsewhere ", i, "\" (MESSAGES 1 UIDNEXT 2)\r\n");
    return text + news_of_sent();
  };
  start();
  ASSERT_TRUE(world.until([&] { return delivered(".Sent") == 1; }));
  EXPECT_EQ(1, server.connections);
}

TEST_F(UnrulyServerTest, NewsRightBehindTheEndOfIdle_AreHeard) {
  server.capabilities += " NOTIFY";
  start();
  ASSERT_TRUE(idles());
  for (int i = 0; i < 20; ++i)
    server.behind_idle += concat("* STATUS \"elsewhere ", i, "\" (MESSAGES 1 UIDNEXT 2)\r\n");
  server.behind_idle += news_of_sent();
  server.folders["INBOX"].deliver(message("news"));
  server.tell("* 1 EXISTS\r\n");
  ASSERT_TRUE(world.until([&] { return delivered() == 1 && delivered(".Sent") == 1; }));
  EXPECT_EQ(1, server.connections);
}

} // namespace
} // namespace mailmoor::mailbox
