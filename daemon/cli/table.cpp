#include "cli/table.h"

#include "util/utf8.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace mailmoor::cli {

namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kNarrowest = 8; // of a column that is cut

struct Range {
  char32_t first, last;
};

// UAX #11 "W" and "F" in blocks, as close as a table needs it.
constexpr std::array kWide = {Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},  Range{0x3041, 0xA4CF},
                              Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},  Range{0xFE30, 0xFE6F},
                              Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},  Range{0x1F300, 0x1F64F},
                              Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};
constexpr std::array kZero = {Range{0x0300, 0x036F}, Range{0x200B, 0x200D}, Range{0x20D0, 0x20FF},
                              Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}};

template<std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](Range range) { return c >= range.first && c <= range.last; });
}

std::size_t columns_of(char32_t c) {
  if (is_in(kZero, c)) return 0;
  return is_in(kWide, c) ? 2 : 1;
}

// Takes one character off; a byte that is not UTF-8 counts as one.
std::pair<std::string_view, std::size_t> take_character(std::string_view& text) {
  const auto decoded = decode_utf8(text);
  const std::string_view taken = text.substr(0, decoded ? decoded->size : 1);
  text.remove_prefix(taken.size());
  return {taken, decoded ? columns_of(decoded->code_point) : 1};
}

} // namespace

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  while (!utf8.empty())
    width += take_character(utf8).second;
  return width;
}

std::string shortened(std::string_view utf8, std::size_t width) {
  if (display_width(utf8) <= width) return std::string(utf8);
  std::string out;
  std::size_t used = 1; // the mark
  while (!utf8.empty()) {
    const auto [character, columns] = take_character(utf8);
    if (used + columns > width) break;
    out.append(character);
    used += columns;
  }
  return width == 0 ? std::string() : out + "…";
}

std::string wrapped(std::string_view text, std::size_t indent, std::optional<std::size_t> width) {
  const std::size_t room = width ? std::max(*width, indent + 20) - indent : std::string_view::npos;
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const std::size_t columns = display_width(word);
    if (used != 0 && used + 1 + columns > room) {
      out.push_back('\n');
      used = 0;
    }
    out.append(used == 0 ? std::string(indent, ' ') : std::string(1, ' ')).append(word);
    used += columns + (used == 0 ? 0 : 1);
  }
  return out + '\n';
}

std::vector<std::size_t> Table::natural_widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = display_width(columns_[i].title);
    for (const Row& row : rows_)
      width = std::max(width, display_width(row.cells[i]));
    widths.push_back(width);
  }
  return widths;
}

// A column of width 0 is left out. When leaving out does not help the first column is cut.
std::vector<std::size_t> Table::fit(std::vector<std::size_t> widths, std::size_t width) const {
  const auto total = [&widths] {
    const auto shown = static_cast<std::size_t>(std::ranges::count_if(widths, [](auto w) { return w != 0; }));
    return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + (shown - 1) * kGap.size();
  };
  while (total() > width) {
    const auto least = std::ranges::min_element(columns_, {}, [this, &widths](const Column& column) {
      return widths[static_cast<std::size_t>(&column - columns_.data())] == 0 ? 10 : column.importance;
    });
    const auto place = static_cast<std::size_t>(least - columns_.begin());
    if (least->importance >= 10 || widths[place] == 0) break;
    widths[place] = 0;
  }
  if (const std::size_t excess = total(); excess > width)
    widths.front() -= std::min(widths.front() - std::min(widths.front(), kNarrowest), excess - width);
  return widths;
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0) continue;
    if (i != 0) out.append(kGap);
    const std::string cell = shortened(cells[i], widths[i]);
    const std::string blank(widths[i] - display_width(cell), ' ');
    out.append(columns_[i].right ? blank + cell : cell + blank);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + '\n';
}

std::string Table::render(std::optional<std::size_t> width) const {
  auto widths = natural_widths();
  if (width) widths = fit(std::move(widths), *width);
  std::vector<std::string> titles;
  for (const Column& column : columns_)
    titles.push_back(column.title);
  std::string out = line(titles, widths);
  for (const Row& row : rows_) {
    out += line(row.cells, widths);
    for (const std::string& note : row.notes)
      out += wrapped(note, 4, width);
  }
  return out;
}

} // namespace mailmoor::cli
