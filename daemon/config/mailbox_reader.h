// "defaults:" and one entry of "mailboxes:".
#pragma once

#include "config/config.h"
#include "config/value.h"

#include <cstdint>
#include <optional>

namespace mailmoor::config {

// A mailbox as far as its own entry and the defaults say it; what other entries decide is still open.
struct MailboxDraft {
  Mailbox mailbox;
  Place place;      // of the entry
  Place name;       // not set: no good name
  Place app;        // not set: none was given; set with an empty Mailbox::app after an error
  Place host;       // likewise
  Place user;       // likewise
  Place login_user; // likewise
  Place password;   // likewise
  Place maildir;    // likewise
  std::optional<std::uint16_t> port;
  std::optional<std::uint64_t> daily_bytes;
  std::optional<std::string> proxy; // empty text: none
};

// All are values to start from; the name stays empty.
[[nodiscard]] MailboxDraft read_defaults(const Value& value);
[[nodiscard]] MailboxDraft read_mailbox(const Value& value, const MailboxDraft& defaults);

} // namespace mailmoor::config
