#include "runtime/wait.h"

namespace mailmoor::runtime {

void Event::set() noexcept {
  set_ = true;
  while (waiting_.is_linked()) {
    Wait& wait = static_cast<Wait::Node&>(waiting_.front()).wait;
    wait.node_.unlink();
    wait.woken_ = true;
    wait.timer_.stop();
    loop_.schedule(wait.wakeup_);
  }
}

void Event::Wait::await_suspend(std::coroutine_handle<> handle) {
  wakeup_.set_coroutine(handle);
  event_.waiting_.push_back(node_);
  if (due_ == MonoTime::max()) return;
  timer_.set_coroutine(handle);
  timer_.start_at(due_);
}

bool Semaphore::Acquire::await_ready() noexcept {
  if (owner_.free_ == 0) return false;
  --owner_.free_;
  granted_ = true;
  return true;
}

void Semaphore::Acquire::await_suspend(std::coroutine_handle<> handle) noexcept {
  wakeup_.set_coroutine(handle);
  owner_.waiting_.push_back(node_);
}

void Semaphore::give_back() noexcept {
  if (!waiting_.is_linked()) {
    ++free_;
    return;
  }
  Acquire& next = static_cast<Acquire::Node&>(waiting_.front()).acquire;
  next.node_.unlink();
  next.granted_ = true;
  loop_.schedule(next.wakeup_);
}

} // namespace mailmoor::runtime
