// One thing that is wrong in a configuration, with its place and what would be right.
#pragma once

#include <compare>
#include <string>

namespace mailmoor::config {

struct Diagnostic {
  std::string file;
  int line = 0;   // from 1; 0: about the file as a whole
  int column = 0; // from 1, in bytes
  std::string message;

  // "file:line:column: message", or "file: message" without a place.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

} // namespace mailmoor::config
