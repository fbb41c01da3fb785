#include "supervisor/once_display.h"

#include "supervisor/progress_line.h"
#include "util/concat.h"

#include <chrono>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace mailmoor::supervisor {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(200);

[[nodiscard]] std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
}

void write_to_terminal(const std::string& text) {
  // A progress line that cannot be shown is no fault.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

} // namespace

OnceDisplay::OnceDisplay(runtime::Loop& loop, const Operations& operations)
    : loop_(loop), operations_(operations), began_(loop.now()), draw_([this] { draw(); }),
      timer_(loop, [this] { loop_.schedule(draw_); }) {
  timer_.start_after(kRedraw);
}

OnceDisplay::~OnceDisplay() {
  write_to_terminal("\r\x1b[K");
}

void OnceDisplay::draw() {
  const FleetStatus fleet = operations_.status();
  Progress progress;
  progress.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - began_);
  for (const MailboxStatus& mailbox : fleet.mailboxes) {
    progress.fetched += mailbox.messages_fetched;
    progress.octets += mailbox.octets_fetched;
    progress.behind += mailbox.behind;
    if (mailbox.state != MailboxState::kSyncing) continue;
    for (const FolderStatus& folder : mailbox.folders)
      if (folder.behind != 0) progress.where = concat(mailbox.name, ": ", folder.name);
  }
  write_to_terminal(concat("\r\x1b[K", progress_line(progress, terminal_width())));
  timer_.start_after(kRedraw);
}

} // namespace mailmoor::supervisor
