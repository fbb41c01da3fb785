// What is checked about the text of a YAML file before and after yaml-cpp has its say.
#pragma once

#include "config/yaml_tree.h"

#include <optional>
#include <string_view>

namespace mailmoor::config {

// UTF-8, no control characters, no tab in the indentation. yaml-cpp takes all three and says nothing, or something odd.
[[nodiscard]] std::optional<YamlError> check_yaml_text(std::string_view text);

// Whether the quoted scalar whose node starts at `offset` (perhaps with an anchor) ends on its own line.
// yaml-cpp takes a quote that is never closed as text up to the end of the file.
[[nodiscard]] bool closes_on_its_line(std::string_view text, std::size_t offset);

// yaml-cpp's message at its mark, in words that say what would be right. `innermost` is the list or map it was in.
[[nodiscard]] YamlError explain_yaml_error(Position position, Position innermost, std::string_view message);

} // namespace mailmoor::config
