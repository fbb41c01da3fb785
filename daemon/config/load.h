// YAML → Config. Everything that is wrong is found in one go and reported with its place; a key that is not known,
// or not supported yet, is an error and never ignored.
//
//   auto loaded = config::load_blocking("/etc/mailmoor/mailmoor.yaml", config::Environment::of_this_process());
//   if (!loaded)
//     for (const auto& diagnostic : loaded.error()) complain(diagnostic.to_string());
#pragma once

#include "config/config.h"
#include "config/diagnostic.h"
#include "config/environment.h"
#include "config/files.h"

#include <expected>
#include <string>
#include <vector>

namespace mailmoor::config {

// The errors are never empty, in the order of the files and lines, at most kMaxDiagnostics and one that says so.
using LoadResult = std::expected<Config, std::vector<Diagnostic>>;

inline constexpr std::size_t kMaxDiagnostics = 100;

// Reads `path` (relative to the working directory) and what it includes. Touches the disk: never on the loop thread.
[[nodiscard]] LoadResult load_blocking(const std::string& path, const Environment& environment);

// The same with the main file's text at hand; `files` is asked about everything else. `main.path` must be absolute.
[[nodiscard]] LoadResult parse(const SourceFile& main, const Files& files, const Environment& environment);

} // namespace mailmoor::config
