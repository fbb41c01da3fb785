// mailmoorctl as a function.
#pragma once

#include "cli/console.h"

#include <string_view>

namespace mailmoor::cli {

// Returns the exit code. Not thread-safe: it initialises libcurl.
int run(int argc, const char* const* argv, std::string_view version);
int run(int argc, const char* const* argv, std::string_view version, Console& console);

} // namespace mailmoor::cli
