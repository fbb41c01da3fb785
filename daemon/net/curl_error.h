// libcurl's codes as Errors, in one place.
#pragma once

#include "util/error.h"

#include <string>

#include <curl/curl.h>

namespace mailmoor::net {

// `doing`: "connecting to host:port". REQUIRES: code != CURLE_OK
[[nodiscard]] Error curl_error(CURL* easy, CURLcode code, const std::string& doing);

} // namespace mailmoor::net
