// Task<T>: a lazy coroutine. It starts when awaited, and is cancelled by destroying it: its locals are released and
// what it waits for is unregistered. It must be suspended then: a coroutine cannot destroy itself or its awaiters.
// Exceptions do not leave a Task: what fails returns Result; anything else ends the process. Loop thread only.
//
// await_suspend() returns bool instead of a handle: with GCC 12, symmetric transfer is no tail call at -O0 or under
// AddressSanitizer, and long runs of awaits that finish at once would overflow the stack.
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace mailmoor::runtime {

template<class T>
class Task;

namespace detail {

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;
  bool starting = false; // inside the first resume(): the awaiting coroutine is not suspended yet
  bool finished = false;

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template<class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      TaskPromiseBase& promise = self.promise();
      promise.finished = true;
      if (promise.starting) return;
      // The continuation may destroy this frame: nothing of it is touched afterwards.
      if (const auto next = promise.continuation) next.resume();
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template<class T>
struct TaskPromise final : TaskPromiseBase {
  std::optional<T> value;
  [[nodiscard]] Task<T> get_return_object() noexcept;
  template<class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  [[nodiscard]] T take() { return *std::move(value); }
};

template<>
struct TaskPromise<void> final : TaskPromiseBase {
  [[nodiscard]] inline Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const noexcept {}
};

} // namespace detail

template<class T>
class [[nodiscard]] Task final {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  // Cancels: destroys the coroutine with everything in it.
  void reset() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }
  [[nodiscard]] bool is_valid() const noexcept { return handle_ != nullptr; }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> continuation) noexcept {
    assert(handle_ && "awaiting an empty or a moved Task");
    promise_type& promise = handle_.promise();
    promise.continuation = continuation;
    promise.starting = true;
    handle_.resume();
    promise.starting = false;
    return !promise.finished;
  }
  [[nodiscard]] T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_ = nullptr;
};

template<class T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}

inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

} // namespace mailmoor::runtime
