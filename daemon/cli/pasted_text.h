// Puts together again what a person pastes into a terminal: addresses that arrive in lines, some of them broken by the
// program they were copied from. Pure; the daemon judges what is in them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::cli {

class PastedText final {
 public:
  void add(std::string_view bytes) { text_ += bytes; }
  // The addresses that are certainly whole: a line that begins with a scheme begins the next one.
  [[nodiscard]] std::vector<std::string> take_whole();
  // All that is there: nothing came for a moment, so that a line end is the end. A line without one stays.
  [[nodiscard]] std::vector<std::string> take_lines();
  // All that is there: nothing more will come.
  [[nodiscard]] std::vector<std::string> take_rest();
  // Whether there is a line that take_lines() would give.
  [[nodiscard]] bool has_line() const noexcept { return text_.contains('\n'); }

 private:
  std::string text_;
};

} // namespace mailmoor::cli
