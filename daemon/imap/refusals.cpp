#include "imap/refusals.h"

#include "util/ascii.h"

#include <algorithm>
#include <array>

namespace mailmoor::imap {
namespace {

constexpr std::array<std::string_view, 4> kAboutTheServer = {"throttled", "not connected", "invalid state",
                                                             "unavailable"};

[[nodiscard]] bool is_about_the_command(const Completed& answer) {
  return classify(answer) == FailureClass::kRequest && !answer.malformed &&
         std::ranges::none_of(kAboutTheServer,
                              [&answer](std::string_view words) { return contains_ignoring_case(answer.text, words); });
}

} // namespace

void Refusals::note(std::string_view command, const Completed& answer) {
  if (!is_about_the_command(answer) || answer_to(command)) return;
  if (refusals_.size() == kRemembered) refusals_.pop_front();
  refusals_.push_back({std::string(command), answer.text});
}

std::optional<std::string_view> Refusals::answer_to(std::string_view command) const {
  const auto found = std::ranges::find(refusals_, command, &Refusal::command);
  return found == refusals_.end() ? std::nullopt : std::optional<std::string_view>(found->answer);
}

} // namespace mailmoor::imap
