// One configuration file while it is read: where its errors go and what its relative paths mean. Findings gathers the
// errors of all files. Both live as long as one load.
#pragma once

#include "config/diagnostic.h"
#include "config/environment.h"
#include "config/files.h"
#include "config/yaml_tree.h"

#include <string>
#include <utility>
#include <vector>

namespace mailmoor::config {

class Findings final {
 public:
  // `file_order` sorts them. Beyond kMaxDiagnostics they are forgotten, but for a last word that there were more.
  void add(std::size_t file_order, Diagnostic diagnostic);
  [[nodiscard]] bool empty() const noexcept { return found_.empty(); }
  // No more will be kept: a reader of many entries need not go on.
  [[nodiscard]] bool is_full() const noexcept { return more_; }
  // In the order of files, lines and columns, each once. Leaves this empty.
  [[nodiscard]] std::vector<Diagnostic> take();

 private:
  std::vector<std::pair<std::size_t, Diagnostic>> found_;
  bool more_ = false;
};

class Source final {
 public:
  // All must outlive this.
  Source(const SourceFile& file, std::size_t order, const Files& files, Findings& findings);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void error(Position position, std::string message) const;
  [[nodiscard]] bool has_room() const noexcept { return !findings_.is_full(); }
  // "file:line:column"
  [[nodiscard]] std::string where(Position position) const;
  // Absolute and without "." and "..": relative ones start from the directory of this file.
  [[nodiscard]] std::string absolute(const std::string& path) const;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool is_private_to_owner() const noexcept { return private_to_owner_; }
  [[nodiscard]] const Files& files() const noexcept { return files_; }

 private:
  std::string path_;
  bool private_to_owner_;
  std::size_t order_;
  const Files& files_;
  Findings& findings_;
};

// A place in some file, for errors that are found when all files are read.
struct Place {
  const Source* source = nullptr;
  Position position;

  void error(std::string message) const { source->error(position, std::move(message)); }
  [[nodiscard]] std::string where() const { return source->where(position); }
  [[nodiscard]] bool is_set() const noexcept { return source != nullptr; }
};

} // namespace mailmoor::config
