#include "util/error.h"

#include <system_error>

namespace mailmoor {

std::string_view error_kind_name(ErrorKind kind) noexcept {
  switch (kind) {
  case ErrorKind::kMessage: return "message";
  case ErrorKind::kFolder: return "folder";
  case ErrorKind::kMailbox: return "mailbox";
  case ErrorKind::kHost: return "host";
  case ErrorKind::kApp: return "app";
  case ErrorKind::kOperator: return "operator";
  case ErrorKind::kBug: return "bug";
  }
  return "bug";
}

Error Error::within(std::string_view context) && {
  what.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

} // namespace mailmoor
