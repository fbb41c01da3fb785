#include "config/nearest.h"

#include "util/ascii.h"

#include <algorithm>
#include <array>
#include <vector>

namespace mailmoor::config {
namespace {

// Longer words are no typing errors of anything, and would cost time.
constexpr std::size_t kMaxWord = 64;

// Optimal string alignment: Levenshtein with swaps of neighbours.
[[nodiscard]] std::size_t typing_errors(std::string_view a, std::string_view b) {
  std::array<std::vector<std::size_t>, 3> rows; // of the table: two before, one before, this one
  rows.fill(std::vector<std::size_t>(b.size() + 1));
  for (std::size_t j = 0; j <= b.size(); ++j)
    rows[2][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::ranges::rotate(rows, rows.begin() + 1);
    auto& row = rows[2];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]);
      row[j] = std::min({rows[1][j] + 1, row[j - 1] + 1, rows[1][j - 1] + (same ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && ascii_lower(a[i - 1]) == ascii_lower(b[j - 2]) &&
                           ascii_lower(a[i - 2]) == ascii_lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], rows[0][j - 2] + 1);
    }
  }
  return rows[2][b.size()];
}

} // namespace

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kMaxWord) return std::nullopt;
  std::optional<std::string_view> best;
  // A third of the letters, rounded up: "pol" is "poll", "tag" is not "tls".
  std::size_t fewest = (word.size() + 2) / 3 + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t longer = std::max(word.size(), candidate.size());
    if (longer > kMaxWord || longer - std::min(word.size(), candidate.size()) >= fewest) continue;
    const std::size_t errors = typing_errors(word, candidate);
    if (errors >= fewest) continue;
    fewest = errors;
    best = candidate;
  }
  return best;
}

} // namespace mailmoor::config
