#include "maildir/line_endings.h"

#include <utility>

namespace mailmoor::maildir {

void LineConverter::convert(std::string_view bytes, std::string& out) {
  if (line_endings_ == LineEndings::kCrlf) {
    out.append(bytes);
    return;
  }
  if (bytes.empty()) return;
  if (held_cr_ && bytes.front() != '\n') out.push_back('\r');
  held_cr_ = false;
  for (;;) {
    const std::size_t cr = bytes.find('\r');
    out.append(bytes.substr(0, cr));
    if (cr == std::string_view::npos) return;
    bytes.remove_prefix(cr + 1);
    held_cr_ = bytes.empty();
    if (held_cr_) return;
    if (bytes.front() != '\n') out.push_back('\r');
  }
}

void LineConverter::finish(std::string& out) {
  if (std::exchange(held_cr_, false)) out.push_back('\r');
}

} // namespace mailmoor::maildir
