// Text in columns for people. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::cli {

// Columns that `utf8` takes on a terminal: two for East Asian wide characters and emoji, none for combining marks.
[[nodiscard]] std::size_t display_width(std::string_view utf8);
// At most `width` columns, the last one "…" when something was cut.
[[nodiscard]] std::string shortened(std::string_view utf8, std::size_t width);
// `text` in lines of at most `width` columns, broken at spaces, each after `indent` spaces.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::optional<std::size_t> width);

class Table final {
 public:
  struct Column {
    std::string title;
    bool right = false;  // aligned right, for numbers
    int importance = 10; // the least important columns go first when the terminal is narrow; 10 stays
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns.
  void add_row(std::vector<std::string> cells) { rows_.push_back({std::move(cells), {}}); }
  // Text below the last row, across the columns.
  void add_note(std::string text) { rows_.back().notes.push_back(std::move(text)); }

  // `width`: columns of the terminal; empty: as wide as it takes.
  [[nodiscard]] std::string render(std::optional<std::size_t> width) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    std::vector<std::string> notes;
  };

  [[nodiscard]] std::vector<std::size_t> natural_widths() const;
  [[nodiscard]] std::vector<std::size_t> fit(std::vector<std::size_t> widths, std::size_t width) const;
  [[nodiscard]] std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

} // namespace mailmoor::cli
