// Reads a password from a person or a pipe. Blocking.
#pragma once

#include "util/result.h"
#include "util/secret.h"

#include <cstddef>
#include <string_view>

namespace mailmoor::cli {

inline constexpr std::size_t kMaxPassword = 4096; // bytes

// Asks on the controlling terminal and does not echo. Whatever ends it, a signal included, the terminal is as before.
// Errors are kOperator: "no_terminal", "password_unreadable", "password_too_long".
[[nodiscard]] Result<Secret> ask_password_blocking(std::string_view prompt);

// Everything up to the end of `fd`, less one line end. Errors as above.
[[nodiscard]] Result<Secret> read_password_blocking(int fd);

} // namespace mailmoor::cli
