// Signals that end a command, as a descriptor: the command says what is left to do and then ends as the signal wants.
#pragma once

#include "util/unique_fd.h"

#include <csignal>

namespace mailmoor::cli {

// SIGINT, SIGTERM and SIGHUP wait for as long as it lives; afterwards the one that came takes effect. One at a time, in
// a process with one thread.
class SignalWatch final {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Readable once a signal has come. Nobody needs to read it.
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

} // namespace mailmoor::cli
