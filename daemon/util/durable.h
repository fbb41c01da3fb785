// Makes a name in a directory survive a power cut. Blocking.
#pragma once

#include "util/result.h"

#include <string>

namespace mailmoor {

// The directory part of `path`: "/a" of "/a/b", "." of "b", "/" of "/b".
[[nodiscard]] std::string parent_directory(const std::string& path);
// fsyncs the directory that holds `path`. Errors are kOperator "directory_sync_failed".
[[nodiscard]] Status sync_parent_directory_blocking(const std::string& path);

} // namespace mailmoor
