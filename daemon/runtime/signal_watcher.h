// Calls a function on the loop thread when a signal arrives. Loop thread only.
#pragma once

#include "runtime/loop.h"

#include <functional>
#include <memory>

namespace mailmoor::runtime {

class SignalWatcher final {
 public:
  SignalWatcher(Loop& loop, int signal_number, std::function<void()> on_signal);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

 private:
  struct Handle;
  Loop& loop_;
  Wakeup wakeup_;
  std::unique_ptr<Handle> handle_;
};

} // namespace mailmoor::runtime
