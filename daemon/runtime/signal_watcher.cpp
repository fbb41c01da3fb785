#include "runtime/signal_watcher.h"

#include "runtime/uv_handle.h"

#include <utility>

namespace mailmoor::runtime {

struct SignalWatcher::Handle {
  UvHandle<uv_signal_t> signal;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal_number, std::function<void()> on_signal)
    : loop_(loop), wakeup_(std::move(on_signal)), handle_(std::make_unique<Handle>()) {
  handle_->signal =
      open_handle<uv_signal_t>("uv_signal_init", [&](auto* signal) { return uv_signal_init(loop.uv(), signal); });
  handle_->signal->data = this;
  const auto mark = [](uv_signal_t* signal, int) noexcept {
    auto& self = *static_cast<SignalWatcher*>(signal->data);
    self.loop_.schedule(self.wakeup_);
  };
  must(uv_signal_start(handle_->signal.get(), mark, signal_number), "uv_signal_start");
}

SignalWatcher::~SignalWatcher() = default;

} // namespace mailmoor::runtime
