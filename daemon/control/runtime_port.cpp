#include "control/runtime_port.h"

#include "runtime/fd_watcher.h"

#include <utility>

namespace mailmoor::control {
namespace {

class Watch final : public LoopPort::Handle {
 public:
  Watch(runtime::Loop& loop, int fd, const std::function<void()>& ready) : watcher_(loop, fd) {
    watcher_.watch(/*read=*/true, /*write=*/false, [ready](bool, bool) { ready(); });
  }

 private:
  runtime::FdWatcher watcher_;
};

class Delay final : public LoopPort::Handle {
 public:
  Delay(runtime::Loop& loop, std::chrono::milliseconds delay, std::function<void()> due)
      : wakeup_(std::move(due)), timer_(loop, [this, &loop] { loop.schedule(wakeup_); }) {
    timer_.start_after(delay);
  }

 private:
  runtime::Wakeup wakeup_;
  runtime::Timer timer_;
};

} // namespace

std::unique_ptr<LoopPort::Handle> RuntimePort::watch_readable(int fd, std::function<void()> ready) {
  return std::make_unique<Watch>(loop_, fd, ready);
}

std::unique_ptr<LoopPort::Handle> RuntimePort::call_after(std::chrono::milliseconds delay, std::function<void()> due) {
  return std::make_unique<Delay>(loop_, delay, std::move(due));
}

} // namespace mailmoor::control
