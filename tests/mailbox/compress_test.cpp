// When a mailbox asks for compression (RFC 4978).
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kAsked = "COMPRESS DEFLATE";

class CompressTest : public MailboxWorld {
 protected:
  CompressTest() {
    server.capabilities += " COMPRESS=DEFLATE LIST-STATUS";
    settings.connection.compression = Compression::kOn;
    settings.wants = {.flags = false, .deletions = false};
    server.folders["INBOX"].deliver(message("one"));
    server.answer = [this](const std::string& command) -> std::optional<std::string> {
      if (command == kAsked) return "%t NO not today\r\n";
      if (!command.starts_with("LIST")) return {};
      const ImapServer::Folder& inbox = server.folders["INBOX"];
      return concat("* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES ", inbox.messages.size(), " UIDNEXT ",
                    inbox.next, " UIDVALIDITY ", inbox.validity, ")\r\n%t OK done\r\n");
    };
  }
  // Of a session that is over, in their order.
  [[nodiscard]] std::vector<std::string> steps_of_one_pass() {
    server.commands.clear();
    settings.once = true;
    start();
    EXPECT_TRUE(world.until([this] { return mailbox->finished().is_set(); }));
    std::vector<std::string> steps;
    for (const std::string& command : server.commands)
      for (const std::string_view step : {"LIST", "COMPRESS", "EXAMINE"})
        if (command.starts_with(step)) steps.emplace_back(step);
    return steps;
  }
};

TEST_F(CompressTest, SomethingNew_IsAskedForBeforeTheFirstFolderIsOpened) {
  EXPECT_THAT(steps_of_one_pass(), ElementsAre("LIST", "COMPRESS", "EXAMINE"));
  EXPECT_EQ(1U, delivered());
}

TEST_F(CompressTest, NothingNew_IsNotWorthARoundTrip) {
  static_cast<void>(steps_of_one_pass());
  EXPECT_THAT(steps_of_one_pass(), ElementsAre("LIST"));
}

TEST_F(CompressTest, Refused_IsNotAskedForAgain) {
  start();
  ASSERT_TRUE(idles());
  server.folders["INBOX"].deliver(message("two"));
  server.tell("* 2 EXISTS\r\n");
  ASSERT_TRUE(world.until([this] { return delivered() == 2; }));
  ASSERT_TRUE(idles());
  EXPECT_EQ(1, server.connections);
  EXPECT_EQ(1U, server.asked(kAsked));
}

} // namespace
} // namespace mailmoor::mailbox
