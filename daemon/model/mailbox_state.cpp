#include "model/mailbox_state.h"

namespace mailmoor {

std::string_view mailbox_state_name(MailboxState state) noexcept {
  switch (state) {
  case MailboxState::kNeedsLogin: return "needs_login";
  case MailboxState::kConnecting: return "connecting";
  case MailboxState::kSyncing: return "syncing";
  case MailboxState::kIdle: return "idle";
  case MailboxState::kBackingOff: return "backing_off";
  case MailboxState::kThrottled: return "throttled";
  case MailboxState::kPaused: return "paused";
  case MailboxState::kHeld: return "held";
  case MailboxState::kFailed: return "failed";
  }
  return "failed";
}

} // namespace mailmoor
