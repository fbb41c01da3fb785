#pragma once

#include "cli/console.h"

#include <string>

namespace mailmoor::cli {

class FakeConsole final : public Console {
 public:
  void out(std::string_view text) override { out_text += text; }
  void err(std::string_view text) override { err_text += text; }
  [[nodiscard]] std::optional<std::size_t> width() const override { return columns; }

  [[nodiscard]] std::optional<std::size_t> height() const override {
    return columns ? std::optional(lines) : std::nullopt;
  }
  [[nodiscard]] int input() const override { return input_fd; }
  [[nodiscard]] bool is_interactive() const override { return false; }
  [[nodiscard]] bool has_desktop() const override { return desktop; }

  std::string out_text;
  std::string err_text;
  std::optional<std::size_t> columns;
  std::size_t lines = 24;
  int input_fd = -1;
  bool desktop = false;
};

} // namespace mailmoor::cli
