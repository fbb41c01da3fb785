// One sign-in by device code (RFC 8628 §3.3 to §3.5) as a machine without socket or clock.
// The owner waits as told, sends device_token_request(), hands in what came, and does the next action.
// States: waiting for the next poll → done (granted or failed); a network fault or a 5xx is a wait, not an end.
#pragma once

#include "oauth/reply.h"

#include <chrono>
#include <variant>

namespace mailmoor::oauth {

class DeviceFlow final {
 public:
  // Poll after `delay`, measured on a monotonic clock.
  struct Wait {
    std::chrono::seconds delay;
  };
  // The code is spent: store the grant, poll no more.
  struct Granted {
    TokenGrant grant;
  };
  // Poll no more. kExpiredCode when the code's time ran out here.
  struct Failed {
    Refusal refusal;
  };
  using Action = std::variant<Wait, Granted, Failed>;

  // `now`: when the device authorization reply arrived.
  DeviceFlow(DeviceAuthorization authorization, UnixTime now);

  // What to show the user, and the device_code for device_token_request().
  [[nodiscard]] const DeviceAuthorization& authorization() const noexcept { return authorization_; }
  [[nodiscard]] UnixTime expires_at() const noexcept { return expires_at_; }
  // The wall-clock form of the last Wait; at first one interval after the start.
  [[nodiscard]] UnixTime next_poll_at() const noexcept { return next_poll_at_; }

  [[nodiscard]] Action on_reply(const HttpReply& reply, UnixTime now);
  [[nodiscard]] Action on_network_error(UnixTime now);

 private:
  [[nodiscard]] Action wait(std::chrono::seconds delay, UnixTime now);
  [[nodiscard]] Action wait_after_fault(std::chrono::seconds at_least, UnixTime now);

  DeviceAuthorization authorization_;
  std::chrono::seconds interval_;    // grows with each slow_down, for good
  std::chrono::seconds fault_delay_; // doubles with each fault, back to interval_ after an answer
  UnixTime expires_at_;
  UnixTime next_poll_at_;
};

} // namespace mailmoor::oauth
