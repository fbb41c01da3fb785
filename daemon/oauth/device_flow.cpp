#include "oauth/device_flow.h"

#include <algorithm>
#include <utility>

namespace mailmoor::oauth {

namespace {

using std::chrono::seconds;

constexpr seconds kSlowDownStep(5);       // RFC 8628 §3.5
constexpr seconds kSlowestAfterFault(60); // a code lives about 15 minutes: there must be polls left after an outage

Refusal code_ran_out() {
  Refusal refusal;
  refusal.kind = RefusalClass::kExpiredCode;
  refusal.error = "expired_token";
  refusal.what = "the login code expired before the sign-in was completed";
  refusal.remedy = "start again: mailmoorctl login";
  return refusal;
}

} // namespace

DeviceFlow::DeviceFlow(DeviceAuthorization authorization, UnixTime now)
    : authorization_(std::move(authorization)), interval_(authorization_.interval), fault_delay_(interval_),
      expires_at_(now + authorization_.expires_in), next_poll_at_(now + interval_) {}

DeviceFlow::Action DeviceFlow::on_reply(const HttpReply& reply, UnixTime now) {
  TokenOutcome outcome = parse_token_reply(reply, now);
  if (outcome) return Granted{std::move(*outcome)};
  Refusal& refusal = outcome.error();
  const seconds imposed = refusal.retry_after.value_or(seconds(0));
  switch (refusal.kind) {
  case RefusalClass::kRetry: return wait_after_fault(imposed, now);
  case RefusalClass::kSlowDown: interval_ += kSlowDownStep; [[fallthrough]];
  case RefusalClass::kPending: fault_delay_ = interval_; return wait(std::max(interval_, imposed), now);
  case RefusalClass::kFixClock:
  case RefusalClass::kUserSignsIn:
  case RefusalClass::kAdminConsents:
  case RefusalClass::kAccountState:
  case RefusalClass::kAppConfiguration:
  case RefusalClass::kDeclined:
  case RefusalClass::kExpiredCode: break;
  }
  return Failed{std::move(refusal)};
}

DeviceFlow::Action DeviceFlow::on_network_error(UnixTime now) {
  return wait_after_fault(seconds(0), now);
}

// RFC 8628 §3.5: back off exponentially.
DeviceFlow::Action DeviceFlow::wait_after_fault(seconds at_least, UnixTime now) {
  fault_delay_ = std::max(interval_, std::min(fault_delay_ * 2, kSlowestAfterFault));
  return wait(std::max(fault_delay_, at_least), now);
}

// The last poll may come up to one interval late: the server says then whether the code is still good, and who signed
// in at the last second is let in.
DeviceFlow::Action DeviceFlow::wait(seconds delay, UnixTime now) {
  if (now >= expires_at_ || now + delay > expires_at_ + interval_) return Failed{code_ran_out()};
  next_poll_at_ = now + delay;
  return Wait{delay};
}

} // namespace mailmoor::oauth
