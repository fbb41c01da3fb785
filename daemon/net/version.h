// Which libraries speak to the network, for `mailmoorctl version`.
#pragma once

#include <string>

namespace mailmoor::net {

[[nodiscard]] std::string libcurl_version();
[[nodiscard]] std::string openssl_version();

} // namespace mailmoor::net
