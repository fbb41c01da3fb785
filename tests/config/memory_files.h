// A disk in memory for the configuration, which counts what it is asked.
#pragma once

#include "config/files.h"

#include <fnmatch.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::config {

class MemoryFiles final : public Files {
 public:
  void add(const std::string& path, std::string text, bool private_to_owner = true) {
    files_[path] = SourceFile{path, std::move(text), private_to_owner};
  }
  void add_directory(const std::string& path) { directories_.insert(path); }

  [[nodiscard]] Result<SourceFile> read(const std::string& path) const override {
    ++reads;
    const auto found = files_.find(path);
    if (found == files_.end()) return fail(ErrorKind::kOperator, "config_unreadable", "No such file or directory");
    return found->second;
  }
  [[nodiscard]] std::vector<std::string> match(const std::string& pattern) const override {
    std::vector<std::string> out;
    for (const auto& [path, file] : files_)
      if (::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) out.push_back(path);
    return out;
  }
  [[nodiscard]] Access inspect(const std::string& path) const override {
    ++inspections;
    if (directories_.contains(path)) return Access::kNotAFile;
    const auto found = files_.find(path);
    if (found == files_.end()) return Access::kAbsent;
    return found->second.private_to_owner ? Access::kFine : Access::kOpenToOthers;
  }

  [[nodiscard]] bool is_program(const std::string& path) const override { return path.contains("/bin/"); }

  mutable int reads = 0;
  mutable int inspections = 0;

 private:
  std::map<std::string, SourceFile> files_;
  std::set<std::string> directories_;
};

inline constexpr const char* kMainPath = "/etc/mailmoor/mailmoor.yaml";

} // namespace mailmoor::config
