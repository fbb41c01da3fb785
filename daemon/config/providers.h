// What the providers publish about themselves; every value can be overridden in the configuration.
#pragma once

#include "config/config.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmoor::config {

inline constexpr std::string_view kGmailHost = "imap.gmail.com";
// Google lets an account download 2,500 MB a day over IMAP, and locks it for up to a day above that.
inline constexpr std::uint64_t kGmailDailyBytes = 2ULL << 30;

// The scope whose token opens a mailbox of that cloud.
[[nodiscard]] std::string microsoft_mail_scope(Cloud cloud, Grant grant);

// Fills in what `app` leaves to its provider: authority, endpoints, scopes, IMAP host. kCustom has nothing of its own.
void fill_in_provider(App& app);

} // namespace mailmoor::config
