// What a person sees while signing in to one mailbox or to many. Pure.
#pragma once

#include "model/fleet_status.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::cli {

// One event as lines of text.
[[nodiscard]] std::string describe(const LoginEvent& event, UnixTime now);

// The codes that wait to be entered, redrawn in place; what has ended scrolls away above them.
class LoginBoard final {
 public:
  // What to write to the terminal, `width` columns wide, so that it shows the event too.
  [[nodiscard]] std::string show(const LoginEvent& event, UnixTime now, std::size_t width);

 private:
  std::vector<LoginEvent> prompts_; // waiting, in the order they came
  std::size_t drawn_lines_ = 0;
};

} // namespace mailmoor::cli
