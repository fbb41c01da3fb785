// Where a mailbox stands, as `status` and metrics spell it.
#pragma once

#include <string_view>

namespace mailmoor {

enum class MailboxState { kNeedsLogin, kConnecting, kSyncing, kIdle, kBackingOff, kThrottled, kPaused, kHeld, kFailed };

// "needs_login connecting syncing idle backing_off throttled paused held failed"
[[nodiscard]] std::string_view mailbox_state_name(MailboxState state) noexcept;

} // namespace mailmoor
