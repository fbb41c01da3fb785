#pragma once

#include "cli/console.h"

#include <string>

namespace mailmoor::cli {

class FakeConsole final : public Console {
 public:
  void out(std::string_view text) override { out_text += text; }
  void err(std::string_view text) override { err_text += text; }
  [[nodiscard]] std::optional<std::size_t> width() const override { return columns; }

  std::string out_text;
  std::string err_text;
  std::optional<std::size_t> columns;
};

} // namespace mailmoor::cli
