#include "cli/signal_watch.h"

#include <sys/signalfd.h>

namespace mailmoor::cli {

SignalWatch::SignalWatch() {
  sigset_t caught{};
  sigemptyset(&caught);
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&caught, number);
  ::sigprocmask(SIG_BLOCK, &caught, &before_);
  fd_ = UniqueFd(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
}

// A signal that came is still pending, since nobody read it: it takes effect here.
SignalWatch::~SignalWatch() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace mailmoor::cli
