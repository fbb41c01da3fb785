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
  // Its lines; empty as width() is.
  [[nodiscard]] virtual std::optional<std::size_t> height() const = 0;
  // Where answers come from.
  [[nodiscard]] virtual int input() const = 0;
  // Whether a person types there, and this process may read it: it is in the foreground.
  [[nodiscard]] virtual bool is_interactive() const = 0;
  // Whether a browser of this host can show itself to the person.
  [[nodiscard]] virtual bool has_desktop() const = 0;

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
  [[nodiscard]] std::optional<std::size_t> height() const override;
  [[nodiscard]] int input() const override;
  [[nodiscard]] bool is_interactive() const override;
  [[nodiscard]] bool has_desktop() const override;
};

} // namespace mailmoor::cli
