#include "runtime/fd_watcher.h"

#include "runtime/uv_handle.h"

#include <cassert>
#include <utility>

namespace mailmoor::runtime {

struct FdWatcher::Poll {
  UvHandle<uv_poll_t> handle;
  int events = 0;
};

FdWatcher::FdWatcher(Loop& loop, int fd)
    : loop_(loop), poll_(std::make_unique<Poll>()), call_back_([this] {
        const bool readable = std::exchange(seen_read_, false);
        const bool writable = std::exchange(seen_write_, false);
        update();
        const auto callback = callback_; // the callee may destroy this object
        callback(readable, writable);
      }) {
  poll_->handle = open_handle<uv_poll_t>("uv_poll_init", [&](auto* poll) { return uv_poll_init(loop.uv(), poll, fd); });
  poll_->handle->data = this;
}

FdWatcher::~FdWatcher() {
  assert(!readers_.is_linked() && !writers_.is_linked() && "a coroutine still waits for this descriptor");
  // uv_close() takes the descriptor out of epoll at once, so it may be closed before the close callback has run.
}

FdWatcher::Ready::~Ready() {
  if (!node_.is_linked()) return;
  node_.unlink();
  owner_.update();
}

void FdWatcher::Ready::await_suspend(std::coroutine_handle<> handle) {
  wakeup_.set_coroutine(handle);
  (direction_ == Direction::kRead ? owner_.readers_ : owner_.writers_).push_back(node_);
  owner_.update();
}

void FdWatcher::watch(bool read, bool write, std::function<void(bool, bool)> callback) {
  want_read_ = read;
  want_write_ = write;
  callback_ = std::move(callback);
  narrow();
}

// Who has read all there is waits again at once: what nobody waits for any more stays until it happens, which saves
// three epoll_ctl(2) a wait. A C library may close its descriptor at any time, and is kept to what it wants.
void FdWatcher::update() {
  const int events = (wants_read() ? UV_READABLE : 0) | (wants_write() ? UV_WRITABLE : 0);
  if (callback_ || (events & ~poll_->events) != 0) listen_for(events);
}

void FdWatcher::narrow() {
  listen_for((wants_read() ? UV_READABLE : 0) | (wants_write() ? UV_WRITABLE : 0));
}

// The peer's end is readable.
void FdWatcher::listen_for(int events) {
  if (events == std::exchange(poll_->events, events)) return;
  if (events == 0) {
    uv_poll_stop(poll_->handle.get());
    return;
  }
  uv_poll_start(poll_->handle.get(), events, [](uv_poll_t* handle, int status, int seen) noexcept {
    auto& self = *static_cast<FdWatcher*>(handle->data);
    const bool failed = status < 0;
    if (failed) self.poll_->events = 0; // libuv has stopped the handle
    self.on_event(failed || (seen & UV_READABLE) != 0, failed || (seen & UV_WRITABLE) != 0);
  });
}

void FdWatcher::wake(RingNode& waiting) {
  while (waiting.is_linked()) {
    Ready& ready = static_cast<Ready::Node&>(waiting.front()).ready;
    ready.node_.unlink();
    loop_.schedule(ready.wakeup_);
  }
}

void FdWatcher::on_event(bool readable, bool writable) {
  const bool is_for_nobody = (readable && !wants_read()) || (writable && !wants_write());
  if (readable) wake(readers_);
  if (writable) wake(writers_);
  if (callback_) {
    seen_read_ |= readable && want_read_;
    seen_write_ |= writable && want_write_;
    if (seen_read_ || seen_write_) loop_.schedule(call_back_);
  }
  if (is_for_nobody)
    narrow();
  else
    update();
}

} // namespace mailmoor::runtime
