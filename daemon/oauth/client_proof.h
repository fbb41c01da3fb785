// How a client shows who it is in one request to its authorization server (RFC 6749 §2.3): not at all, by a secret, or
// by an assertion that its certificate's key signs anew each time (RFC 7523 §2.2).
#pragma once

#include "oauth/client.h"
#include "util/result.h"
#include "util/secret.h"
#include "util/time_text.h"

#include <chrono>
#include <string_view>

namespace mailmoor::oauth {

// A clock may be so far ahead of the server's (AADSTS700024 otherwise) …
inline constexpr std::chrono::seconds kAssertionBackdate{300};
// … or so far behind. Long enough to be sent; an assertion that is used again later is refused.
inline constexpr std::chrono::seconds kAssertionLife{600};

// For one request only: the server may refuse a second one with the same "jti".
struct ClientProof {
  Secret client_assertion; // empty: the registration's secret, or nothing, is all there is to show
};

// `jti`: never the same twice for a client; uniqueness is all it needs. Errors: kBug.
[[nodiscard]] Result<ClientProof> prove_client(const ClientRegistration& client, UnixTime now, std::string_view jti);

} // namespace mailmoor::oauth
