// What the providers publish about themselves; every value can be overridden in the configuration.
#pragma once

#include "config/config.h"

#include <string>

namespace mailmoor::config {

// The scope whose token opens a mailbox of that cloud.
[[nodiscard]] std::string microsoft_mail_scope(Cloud cloud, Grant grant);

// Fills in what `app` leaves to its provider: authority, endpoints, scopes, IMAP host. kCustom has nothing of its own.
void fill_in_provider(App& app);

} // namespace mailmoor::config
