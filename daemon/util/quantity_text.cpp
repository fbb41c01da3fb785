#include "util/quantity_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>

namespace mailmoor {

std::string size_text(std::uint64_t octets) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto size = static_cast<double>(octets);
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit)
    size /= 1024;
  std::array<char, 40> text{};
  const int length = std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", size, kUnits[unit]);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string rate_text(double per_second) {
  std::array<char, 40> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.1f/s", per_second);
  return {text.data(), std::min(static_cast<std::size_t>(length), text.size() - 1)};
}

} // namespace mailmoor
