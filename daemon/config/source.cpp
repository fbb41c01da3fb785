#include "config/source.h"

#include "config/load.h"
#include "util/concat.h"

#include <algorithm>
#include <filesystem>
#include <tuple>

namespace mailmoor::config {

void Findings::add(std::size_t file_order, Diagnostic diagnostic) {
  const auto entry = std::make_pair(file_order, std::move(diagnostic));
  // An alias shows the same mistake at the same place more than once, as does a default.
  if (std::ranges::find(found_, entry) != found_.end()) return;
  if (found_.size() < kMaxDiagnostics) {
    found_.push_back(entry);
  } else {
    more_ = true;
  }
}

std::vector<Diagnostic> Findings::take() {
  std::ranges::sort(found_, {}, [](const auto& entry) {
    return std::tie(entry.first, entry.second.line, entry.second.column, entry.second.message);
  });
  std::vector<Diagnostic> out;
  for (auto& [order, diagnostic] : std::exchange(found_, {}))
    out.push_back(std::move(diagnostic));
  if (std::exchange(more_, false)) out.push_back({out.back().file, 0, 0, "there are more errors; correct these first"});
  return out;
}

Source::Source(const SourceFile& file, std::size_t order, const Files& files, Findings& findings)
    : path_(file.path), private_to_owner_(file.private_to_owner), order_(order), files_(files), findings_(findings) {}

void Source::error(Position position, std::string message) const {
  findings_.add(order_, {path_, position.line, position.column, std::move(message)});
}

std::string Source::where(Position position) const {
  return concat(path_, ":", position.line, ":", position.column);
}

std::string Source::absolute(const std::string& path) const {
  std::string out = (std::filesystem::path(path_).parent_path() / path).lexically_normal().string();
  if (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

} // namespace mailmoor::config
