// Makes the file that holds the master key. Blocking.
#pragma once

#include "util/result.h"
#include "util/secret.h"

#include <string>

namespace mailmoor {

// Writes 32 random bytes (getrandom(2)) as 44 characters of base64 and a newline into a new file with mode 0600 and
// makes it durable. The file appears complete or not at all. An existing file is left alone: kOperator
// "key_file_exists"; other errors are kOperator "key_file_unwritable".
[[nodiscard]] Status create_key_file_blocking(const std::string& path);
// The same with `key`, 32 bytes.
[[nodiscard]] Status create_key_file_blocking(const std::string& path, const Secret& key);

} // namespace mailmoor
