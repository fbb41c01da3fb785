// Where mailmoorctl speaks. Tests put one in its place that remembers.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mailmoor::cli {

class Console {
 public:
  virtual ~Console() = default;

  // What was asked for.
  virtual void out(std::string_view text) = 0;
  // What went wrong, and prompts.
  virtual void err(std::string_view text) = 0;
  // Columns of the terminal on standard output; empty when it is none: then nothing is cut or drawn over.
  [[nodiscard]] virtual std::optional<std::size_t> width() const = 0;

 protected:
  Console() = default;
  Console(const Console&) = default;
  Console& operator=(const Console&) = default;
};

// The standard streams of this process.
class ProcessConsole final : public Console {
 public:
  void out(std::string_view text) override;
  void err(std::string_view text) override;
  [[nodiscard]] std::optional<std::size_t> width() const override;
};

} // namespace mailmoor::cli
