#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mailmoor::cli {

namespace {

std::optional<winsize> terminal_size() {
  if (::isatty(STDOUT_FILENO) == 0) return std::nullopt;
  winsize size{};
  constexpr winsize kUnknown{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return kUnknown;
  return size;
}

} // namespace

void ProcessConsole::out(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void ProcessConsole::err(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::optional<std::size_t> ProcessConsole::width() const {
  const auto size = terminal_size();
  return size ? std::optional<std::size_t>(size->ws_col) : std::nullopt;
}

std::optional<std::size_t> ProcessConsole::height() const {
  const auto size = terminal_size();
  return size ? std::optional<std::size_t>(size->ws_row) : std::nullopt;
}

int ProcessConsole::input() const {
  return STDIN_FILENO;
}

bool ProcessConsole::is_interactive() const {
  return ::isatty(STDIN_FILENO) != 0 && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

bool ProcessConsole::has_desktop() const {
  for (const char* const name : {"DISPLAY", "WAYLAND_DISPLAY"}) {
    const char* const value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): one thread
    if (value != nullptr && *value != '\0') return true;
  }
  return false;
}

} // namespace mailmoor::cli
