// What a person sees while signing in to one mailbox or to many. Pure.
#pragma once

#include "model/fleet_status.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::cli {

// One event as lines of text. `also`: the mailboxes that share the sign-in.
[[nodiscard]] std::string describe(const LoginEvent& event, const std::vector<std::string>& also, UnixTime now);
// Said once, before the first address: what to do where no browser of this host can be used.
[[nodiscard]] std::string browser_hint(std::uint16_t port, bool can_paste);

struct Screen {
  std::size_t width = 80;
  std::size_t height = 24;
};

// The logins that wait for a person, redrawn in place; what has ended, and every address, scrolls away above them.
class LoginBoard final {
 public:
  // `total`: how many logins there are in all.
  explicit LoginBoard(std::size_t total) : total_(total) {}

  // What to write to the terminal so that it shows the event too.
  [[nodiscard]] std::string show(const LoginEvent& event, const std::vector<std::string>& also, UnixTime now,
                                 Screen screen);
  // The same for a text that is none of the board's.
  [[nodiscard]] std::string show(std::string_view text, Screen screen);
  // "3 of 30 signed in, 1 failed".
  [[nodiscard]] std::string progress() const;

 private:
  [[nodiscard]] std::string erased();
  [[nodiscard]] std::string drawn(Screen screen);

  std::vector<LoginEvent> prompts_; // waiting, in the order they came
  std::size_t total_;
  std::size_t signed_in_ = 0;
  std::size_t failed_ = 0;
  std::size_t drawn_lines_ = 0;
};

} // namespace mailmoor::cli
