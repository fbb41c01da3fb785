#include "runtime/signal_watcher.h"

#include "runtime/uv_handle.h"

#include <utility>

namespace mailmoor::runtime {

struct SignalWatcher::Handle {
  UvHandle<uv_signal_t> signal;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal_number, std::function<void()> on_signal)
    : loop_(loop), wakeup_(std::move(on_signal)), handle_(std::make_unique<Handle>()) {
  handle_->signal.reset(new uv_signal_t{});
  uv_signal_init(loop.uv(), handle_->signal.get());
  handle_->signal->data = this;
  uv_signal_start(
      handle_->signal.get(),
      [](uv_signal_t* signal, int) {
        auto& self = *static_cast<SignalWatcher*>(signal->data);
        self.loop_.schedule(self.wakeup_);
      },
      signal_number);
}

SignalWatcher::~SignalWatcher() {
  uv_signal_stop(handle_->signal.get());
}

} // namespace mailmoor::runtime
