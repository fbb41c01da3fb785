// Signing in by device code (RFC 8628): shows a person an address and a code, and waits for what they decide.
#pragma once

#include "mailbox/oauth_client.h"
#include "mailbox/services.h"
#include "oauth/reply.h"
#include "runtime/task.h"

#include <functional>
#include <string>

namespace mailmoor::mailbox {

struct DevicePrompt {
  std::string verification_uri;
  std::string verification_uri_complete; // empty when the server gives none
  std::string user_code;
  UnixTime expires_at{};
};

struct SignIn {
  oauth::TokenGrant grant;
  UnixTime asked_at{}; // when the request that brought the grant was sent
};

// Ends with the grant, or with what stopped it: declined, expired, refused, or `is_wanted` having said no before a
// request. `on_prompt` is called once; it and the end come in a later turn of the loop.
[[nodiscard]] runtime::Task<Result<SignIn>> sign_in_by_device_code(const Services& services, OauthClient& client,
                                                                   std::function<void(const DevicePrompt&)> on_prompt,
                                                                   std::function<bool()> is_wanted);

} // namespace mailmoor::mailbox
