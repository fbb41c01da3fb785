// Authorization server metadata: RFC 8414, and OpenID Connect Discovery 1.0 where only that is served.
#pragma once

#include "oauth/client.h"
#include "util/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::oauth {

// Where to ask, in this order: RFC 8414 §3.1, then OpenID Connect Discovery §4.1. None when the issuer
// is not is_endpoint_url() or has a query, which neither document allows.
[[nodiscard]] std::vector<std::string> metadata_urls(std::string_view issuer);

// Fails with kApp "metadata_invalid" when it is no metadata, names another issuer than the one asked (RFC 8414 §3.3:
// byte for byte), has no token endpoint, or an endpoint that is not is_endpoint_url().
[[nodiscard]] Result<Endpoints> parse_metadata(std::string_view json, std::string_view issuer);

} // namespace mailmoor::oauth
