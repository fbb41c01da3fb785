// Which libuv is at work, for `mailmoorctl version`.
#pragma once

#include <string>

namespace mailmoor::runtime {

[[nodiscard]] std::string libuv_version();

} // namespace mailmoor::runtime
