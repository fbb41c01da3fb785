// Starts a Task from plain code, and holds it. Destroying the holder cancels the task.
#pragma once

#include "runtime/task.h"

#include <coroutine>
#include <functional>
#include <utility>

namespace mailmoor::runtime {

// Runs one Task<T> at a time. `on_done` is called exactly once, unless the task is cancelled first; it runs inside
// the finishing coroutine, so it marks and schedules and must not start or destroy this object. Loop thread only.
template<class T>
class TaskRunner final {
 public:
  TaskRunner() noexcept = default;
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;
  ~TaskRunner() { cancel(); }

  // May finish, and call `on_done`, before it returns. A task that still runs is cancelled.
  void start(Task<T> task, std::function<void(T)> on_done) {
    cancel();
    handle_ = drive(std::move(task), std::move(on_done)).handle;
    handle_.resume();
  }
  void cancel() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }
  [[nodiscard]] bool is_running() const noexcept { return handle_ && !handle_.done(); }

 private:
  struct Driver {
    struct promise_type {
      Driver get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
      [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
      [[nodiscard]] std::suspend_always final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
  };

  static Driver drive(Task<T> task, std::function<void(T)> on_done) {
    T value = co_await task;
    on_done(std::move(value));
  }

  std::coroutine_handle<typename Driver::promise_type> handle_ = nullptr;
};

template<>
class TaskRunner<void> final {
 public:
  TaskRunner() noexcept = default;
  ~TaskRunner() = default;
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;

  void start(Task<void> task, std::function<void()> on_done) {
    runner_.start(with_unit(std::move(task)), [done = std::move(on_done)](bool) { done(); });
  }
  void cancel() noexcept { runner_.cancel(); }
  [[nodiscard]] bool is_running() const noexcept { return runner_.is_running(); }

 private:
  static Task<bool> with_unit(Task<void> task) {
    co_await task;
    co_return true;
  }
  TaskRunner<bool> runner_;
};

} // namespace mailmoor::runtime
