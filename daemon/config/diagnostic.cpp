#include "config/diagnostic.h"

#include "util/concat.h"

namespace mailmoor::config {

std::string Diagnostic::to_string() const {
  if (line == 0) return concat(file, ": ", message);
  return concat(file, ":", line, ":", column, ": ", message);
}

} // namespace mailmoor::config
