// From the octets that a server sent to those on disk. Pure; fed in pieces of any length.
#pragma once

#include <string>
#include <string_view>

namespace mailmoor::maildir {

enum class LineEndings { kLf, kCrlf };

// With kLf each CRLF becomes LF; bare CR, bare LF and NUL stay as they are. With kCrlf everything stays.
class LineConverter final {
 public:
  explicit LineConverter(LineEndings line_endings) noexcept : line_endings_(line_endings) {}

  // Appends to `out` what `bytes` become. A CR at their end is held back until what follows is known.
  void convert(std::string_view bytes, std::string& out);
  // The message is over: appends a CR that was held back. The next one may begin.
  void finish(std::string& out);

 private:
  LineEndings line_endings_;
  bool held_cr_ = false;
};

} // namespace mailmoor::maildir
