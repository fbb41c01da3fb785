// The configuration's door to the disk: four questions, so that tests and the fuzzer can answer them from memory.
#pragma once

#include "util/result.h"

#include <string>
#include <vector>

namespace mailmoor::config {

struct SourceFile {
  std::string path; // absolute
  std::string text;
  bool private_to_owner = true; // no permission for group and others: literal secrets are allowed
};

class Files {
 public:
  enum class Access {
    kAbsent,
    kNotAFile,
    kOpenToOthers, // group or others have a permission: no place for a secret
    kFine,
    kUnknown, // who asks may not look; the daemon perhaps may
  };

  virtual ~Files() = default;
  // At most kMaxFileSize bytes. Error::what says why not, without the path.
  [[nodiscard]] virtual Result<SourceFile> read(const std::string& path) const = 0;
  // The files that match a shell pattern, sorted; none is no error.
  [[nodiscard]] virtual std::vector<std::string> match(const std::string& pattern) const = 0;
  [[nodiscard]] virtual Access inspect(const std::string& path) const = 0;
  // Whether somebody may run it. True when who asks may not look.
  [[nodiscard]] virtual bool is_program(const std::string& path) const = 0;

  static constexpr std::size_t kMaxFileSize = std::size_t{16} * 1024 * 1024;

 protected:
  Files() = default;
  Files(const Files&) = default;
  Files& operator=(const Files&) = default;
};

// The real disk. Every call blocks.
class DiskFiles final : public Files {
 public:
  [[nodiscard]] Result<SourceFile> read(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> match(const std::string& pattern) const override;
  [[nodiscard]] Access inspect(const std::string& path) const override;
  [[nodiscard]] bool is_program(const std::string& path) const override;
};

} // namespace mailmoor::config
