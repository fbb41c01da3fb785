// Reads small files that hold a secret, and refuses those that others can read. Blocking.
#pragma once

#include "util/result.h"
#include "util/secret.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mailmoor {

// The bytes of the regular file at `path`, at most `max_size` of them, with one final newline ("\n" or "\r\n")
// taken off. Symbolic links are followed. A file that group or others can read or write is refused, unless it lies
// directly in `credentials_directory` (systemd's $CREDENTIALS_DIRECTORY; it grants the service's user access by an
// ACL, which shows as group permission); empty: there is none.
// Errors are kOperator: secret_file_missing, secret_file_not_regular, secret_file_readable_by_others (says the mode
// and the chmod to run), secret_file_too_large, secret_file_unreadable.
[[nodiscard]] Result<Secret> read_secret_file_blocking(const std::string& path, std::size_t max_size,
                                                       std::string_view credentials_directory = {});

// The same without touching the final newline, for binary keys.
[[nodiscard]] Result<Secret> read_secret_bytes_blocking(const std::string& path, std::size_t max_size,
                                                        std::string_view credentials_directory = {});

} // namespace mailmoor
