// Turns drafts into mailboxes: what depends on other entries (the app, the proxy, the root directory) is filled in,
// and what two entries must not share is checked.
#pragma once

#include "config/app_reader.h"
#include "config/config.h"
#include "config/mailbox_reader.h"

#include <string>
#include <vector>

namespace mailmoor::config {

struct Globals {
  std::string maildir_root;   // empty: not given
  bool root_is_given = false; // perhaps with an error
  std::string proxy;
};

// Reports all that is wrong; the result counts only when nothing was.
[[nodiscard]] std::vector<Mailbox> complete(std::vector<MailboxDraft> drafts, const std::vector<App>& apps,
                                            const Globals& globals);

} // namespace mailmoor::config
