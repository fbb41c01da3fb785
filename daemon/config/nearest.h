// "did you mean …?"
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mailmoor::config {

// The candidate with the fewest typing errors (a letter more, less, wrong, or two swapped; case does not count), if
// they are few enough for one word to be meant for the other. The view is one of `candidates`.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

} // namespace mailmoor::config
