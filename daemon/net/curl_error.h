// libcurl's codes as Errors, in one place.
#pragma once

#include "net/curl_multi.h"
#include "util/error.h"

#include <string>

namespace mailmoor::net {

// `doing`: "connecting to host:port"; `by_proxy`: whether the way leads through one. REQUIRES: code != CURLE_OK
[[nodiscard]] Error curl_error(const CurlMulti::Transfer& transfer, CURLcode code, const std::string& doing,
                               bool by_proxy);

} // namespace mailmoor::net
