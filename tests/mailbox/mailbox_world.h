// A world with an IMAP server and one mailbox of it.
#pragma once

#include "mailbox/mailbox.h"
#include "maildir/forgetful_file_ops.h"
#include "support/imap_server.h"
#include "support/world.h"

#include <fstream>
#include <gmock/gmock.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mailmoor::mailbox {

using testing::ImapServer;

[[nodiscard]] inline std::string message(std::string_view subject) {
  return concat("Subject: ", subject, "\r\n\r\nhello\r\n");
}

class MailboxWorld : public ::testing::Test {
 protected:
  MailboxWorld() {
    std::ofstream(world.directory / "ca.pem") << server.authority_pem();
    settings.name = "alice";
    settings.user = "alice@example.com";
    settings.connection.host = "127.0.0.1";
    settings.connection.port = server.port();
    settings.connection.trust = net::Trust::load_blocking(world.directory / "ca.pem").value();
    settings.read_password_blocking = [] { return Result<Secret>(Secret("pw")); };
    settings.maildir = "/mail/alice";
  }
  // A new mailbox, as after a restart of the daemon.
  void start(TokenKeeper* keeper = nullptr) {
    mailbox.reset();
    mailbox.emplace(world.services, settings, keeper, [] { return at_once(); });
    mailbox->start();
  }
  // The server says nothing to commands that begin so.
  void leave_unanswered(std::string start) {
    server.answer = [start = std::move(start)](const std::string& command) -> std::optional<std::string> {
      if (command.starts_with(start)) return "";
      return {};
    };
  }
  [[nodiscard]] bool becomes(MailboxState state) {
    return world.until([this, state] { return mailbox->view().state == state; });
  }
  // Connected, in step, and listening for news.
  [[nodiscard]] bool idles() {
    return world.until([this] { return mailbox->view().state == MailboxState::kIdle && server.is_idling(); });
  }
  [[nodiscard]] std::size_t delivered(const std::string& folder = "") const {
    const std::string path = folder.empty() ? "/mail/alice" : "/mail/alice/" + folder;
    return disk.files(path + "/new").size() + disk.files(path + "/cur").size();
  }
  // Moves the clock to where the mailbox tries again.
  void pass_retry() {
    const auto at = mailbox->view().retry_at;
    ASSERT_TRUE(at);
    world.clock.advance(std::max<runtime::Duration>(*at - world.loop.wall_now(), runtime::Duration::zero()));
  }

  maildir::ForgetfulFileOps disk;
  testing::World world{&disk};
  ImapServer server{world.loop};
  MailboxSettings settings;
  std::optional<Mailbox> mailbox;
  [[nodiscard]] static runtime::Task<void> at_once() { co_return; }
};

} // namespace mailmoor::mailbox
