#include "cli/pasted_text.h"

#include "util/ascii.h"

#include <algorithm>
#include <utility>

namespace mailmoor::cli {

namespace {

bool begins_address(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r\"'<"), line.size()));
  return equals_ignoring_case(line.substr(0, 7), "http://") || equals_ignoring_case(line.substr(0, 8), "https://");
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// One entry for each address; blank ones are left out.
std::vector<std::string> addresses_in(std::string_view text) {
  std::vector<std::string> out;
  std::string current;
  const auto keep = [&out, &current] {
    if (!is_blank(current)) out.push_back(std::exchange(current, {}));
    current.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    if (begins_address(line)) keep();
    current += line;
    text.remove_prefix(end);
  }
  keep();
  return out;
}

} // namespace

std::vector<std::string> PastedText::take_whole() {
  // What begins with the last beginning of an address may go on.
  std::size_t last = 0;
  for (std::size_t at = 0; at < text_.size();) {
    if (begins_address(std::string_view(text_).substr(at))) last = at;
    const std::size_t end = text_.find('\n', at);
    at = end == std::string::npos ? text_.size() : end + 1;
  }
  std::vector<std::string> out = addresses_in(std::string_view(text_).substr(0, last));
  text_.erase(0, last);
  return out;
}

std::vector<std::string> PastedText::take_lines() {
  const std::size_t end = text_.rfind('\n');
  if (end == std::string::npos) return {};
  std::vector<std::string> out = addresses_in(std::string_view(text_).substr(0, end + 1));
  text_.erase(0, end + 1);
  return out;
}

std::vector<std::string> PastedText::take_rest() {
  return addresses_in(std::exchange(text_, {}));
}

} // namespace mailmoor::cli
