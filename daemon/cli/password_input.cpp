#include "cli/password_input.h"

#include "util/concat.h"
#include "util/scope_exit.h"
#include "util/unique_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace mailmoor::cli {

namespace {

constexpr std::array kCaughtSignals = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};

volatile std::sig_atomic_t caught_signal = 0;

// For as long as it lives, a signal only ends the waiting for input; then it takes its usual course. The signals are
// blocked except in ppoll(2), so that none slips in between the look at caught_signal and the waiting.
class SignalDelay final {
 public:
  SignalDelay() {
    caught_signal = 0;
    sigset_t caught{};
    sigemptyset(&caught);
    for (const int number : kCaughtSignals)
      sigaddset(&caught, number);
    ::sigprocmask(SIG_BLOCK, &caught, &mask_before_);
    struct sigaction action{};
    action.sa_handler = [](int number) { caught_signal = number; };
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kCaughtSignals.size(); ++i)
      ::sigaction(kCaughtSignals[i], &action, &before_[i]);
  }
  ~SignalDelay() {
    for (std::size_t i = 0; i < kCaughtSignals.size(); ++i)
      ::sigaction(kCaughtSignals[i], &before_[i], nullptr);
    if (caught_signal != 0) ::raise(caught_signal); // takes effect with the next line
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  SignalDelay(const SignalDelay&) = delete;
  SignalDelay& operator=(const SignalDelay&) = delete;

  // The mask with which to wait.
  [[nodiscard]] const sigset_t& mask_before() const noexcept { return mask_before_; }

 private:
  sigset_t mask_before_{};
  std::array<struct sigaction, kCaughtSignals.size()> before_{};
};

void write_text(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

enum class Until { kLineEnd, kEndOfFile };

// Null mask: with the signals as they are.
ssize_t read_when_ready(int fd, std::array<char, 512>& buffer, const sigset_t* mask) {
  pollfd input{fd, POLLIN, 0};
  if (::ppoll(&input, 1, nullptr, mask) < 0) return -1;
  return ::read(fd, buffer.data(), buffer.size());
}

Result<Secret> read_secret(int fd, Until until, const sigset_t* mask) {
  Secret secret;
  std::array<char, 512> buffer{};
  const ScopeExit wipe([&buffer] { wipe_memory(buffer.data(), buffer.size()); });
  while (true) {
    const ssize_t size = read_when_ready(fd, buffer, mask);
    if (size < 0 && errno == EINTR && caught_signal == 0) continue;
    if (size < 0)
      return fail(ErrorKind::kOperator, "password_unreadable", concat("cannot read the password: ", errno_text(errno)));
    if (size == 0) break;
    secret.append({buffer.data(), static_cast<std::size_t>(size)});
    if (secret.size() > kMaxPassword)
      return fail(ErrorKind::kOperator, "password_too_long",
                  concat("the password has more than ", kMaxPassword, " bytes"));
    if (until == Until::kLineEnd && secret.reveal().ends_with('\n')) break;
  }
  std::string_view bytes = secret.reveal();
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  if (bytes.empty()) return fail(ErrorKind::kOperator, "password_unreadable", "no password was given");
  return Secret(bytes);
}

} // namespace

Result<Secret> ask_password_blocking(std::string_view prompt) {
  const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  termios before{};
  if (!terminal.is_open() || ::tcgetattr(terminal.get(), &before) != 0)
    return fail(ErrorKind::kOperator, "no_terminal", "there is no terminal to ask on",
                "give the password on standard input with --stdin");
  const SignalDelay signals; // destroyed last: the terminal is restored before the signal takes effect
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (::tcsetattr(terminal.get(), TCSAFLUSH, &silent) != 0)
    return fail(ErrorKind::kOperator, "no_terminal", concat("cannot switch off the echo: ", errno_text(errno)),
                "give the password on standard input with --stdin");
  const ScopeExit restore([&terminal, &before] {
    ::tcsetattr(terminal.get(), TCSAFLUSH, &before);
    write_text(terminal.get(), "\n"); // the one that was not echoed
  });
  write_text(terminal.get(), prompt);
  return read_secret(terminal.get(), Until::kLineEnd, &signals.mask_before());
}

Result<Secret> read_password_blocking(int fd) {
  return read_secret(fd, Until::kEndOfFile, nullptr);
}

} // namespace mailmoor::cli
