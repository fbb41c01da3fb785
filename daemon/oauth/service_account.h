// A Google service account: a key that asks for tokens of the users of a Workspace domain which delegated to it
// (RFC 7523 §2.1 and Google's "OAuth 2.0 for server to server applications"). Values; immutable, any thread.
#pragma once

#include "oauth/client.h"
#include "oauth/request.h"
#include "oauth/signing_key.h"
#include "util/result.h"
#include "util/time_text.h"

#include <string>
#include <string_view>

namespace mailmoor::oauth {

struct ServiceAccount {
  SigningKey key;
  std::string key_id;       // "kid"; may be empty
  std::string client_email; // "iss"
  std::string token_uri;    // an is_endpoint_url(); empty when the file names none

  // The JSON file that Google gives for a key. Errors are kOperator: "service_account_key_invalid" and those of
  // SigningKey::parse().
  [[nodiscard]] static Result<ServiceAccount> parse(std::string_view json);
};

// A request for a token of `user` (RFC 7523 §2.1), for client.scopes. REQUIRES: client.service_account. Errors: kBug.
[[nodiscard]] Result<TokenRequest> service_account_request(const ClientRegistration& client, std::string_view user,
                                                           UnixTime now);

} // namespace mailmoor::oauth
