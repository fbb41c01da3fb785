#include "runtime/version.h"

#include <uv.h>

namespace mailmoor::runtime {

std::string libuv_version() {
  return uv_version_string();
}

} // namespace mailmoor::runtime
