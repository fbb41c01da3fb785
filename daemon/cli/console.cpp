#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace mailmoor::cli {

void ProcessConsole::out(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void ProcessConsole::err(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::optional<std::size_t> ProcessConsole::width() const {
  if (::isatty(STDOUT_FILENO) == 0) return std::nullopt;
  winsize size{};
  constexpr std::size_t kUnknown = 80;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUnknown;
  return size.ws_col;
}

} // namespace mailmoor::cli
