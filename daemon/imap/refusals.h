// The commands that a server has called wrong (BAD) in this session. They are not said again: the answer would be the
// same, and Exchange hangs up after about ten of them (imapsync FAQ.Office365). A value type; owned by a Session.
#pragma once

#include "imap/response.h"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::imap {

class Refusals final {
 public:
  // Remembers `command`, without its tag, if `answer` says that the command is wrong. A BAD that speaks of the server's
  // own state (Exchange: "Request is throttled", "User is authenticated but not connected", "Command received in
  // Invalid state") says nothing about the command.
  void note(std::string_view command, const Completed& answer);
  [[nodiscard]] bool empty() const noexcept { return refusals_.empty(); }
  // What the server said to it; empty when it may be sent. Valid until the next note().
  [[nodiscard]] std::optional<std::string_view> answer_to(std::string_view command) const;

 private:
  struct Refusal {
    std::string command, answer;
  };
  // A server that calls everything wrong is not remembered for ever: the oldest ones go.
  static constexpr std::size_t kRemembered = 32;

  std::deque<Refusal> refusals_;
};

} // namespace mailmoor::imap
