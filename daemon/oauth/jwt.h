// Signed JSON Web Tokens in their compact form (RFC 7515 §3.1, RFC 7519).
#pragma once

#include "oauth/signing_key.h"
#include "util/result.h"
#include "util/secret.h"

#include <string_view>

namespace mailmoor::oauth {

// BASE64URL(header) "." BASE64URL(claims) "." BASE64URL(signature), no padding. `header` and `claims` are JSON texts,
// signed as they are. Whoever holds the result is the client until it expires: hence a Secret. Errors: kBug.
[[nodiscard]] Result<Secret> sign_jwt(const SigningKey& key, SigningAlgorithm algorithm, std::string_view header,
                                      std::string_view claims);

} // namespace mailmoor::oauth
