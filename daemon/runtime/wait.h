// What a coroutine can wait for besides descriptors: time, an event, a permit, a task with a time limit.
// Every awaitable here unregisters itself when it is destroyed. Loop thread only.
#pragma once

#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "util/result.h"

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

namespace mailmoor::runtime {

// co_await sleep_for(loop, delay);
class [[nodiscard]] Sleep final {
 public:
  Sleep(Loop& loop, MonoTime due) : due_(due), timer_(loop) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    timer_.set_coroutine(handle);
    timer_.start_at(due_);
  }
  void await_resume() const noexcept {}

 private:
  MonoTime due_;
  Timer timer_;
};

[[nodiscard]] inline Sleep sleep_until(Loop& loop, MonoTime due) {
  return {loop, due};
}
[[nodiscard]] inline Sleep sleep_for(Loop& loop, Duration delay) {
  return {loop, later(loop.now(), delay)};
}
// Lets everything else that is ready run first.
[[nodiscard]] inline Sleep yield_to_loop(Loop& loop) {
  return {loop, loop.now()};
}

// A flag that stays set until it is reset; set() wakes all who wait. Outlives those who wait for it.
class Event final {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() = default;

  void set() noexcept;
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

  class [[nodiscard]] Wait final {
   public:
    Wait(Event& event, MonoTime due) : event_(event), due_(due), node_(*this), timer_(event.loop_) {}
    [[nodiscard]] bool await_ready() const noexcept { return event_.set_; }
    void await_suspend(std::coroutine_handle<> handle);
    // Whether the event was set; false: the time ran out first.
    bool await_resume() noexcept {
      node_.unlink();
      return event_.set_ || woken_;
    }

   private:
    friend class Event;
    struct Node final : RingNode {
      explicit Node(Wait& owner) : wait(owner) {}
      Wait& wait;
    };
    Event& event_;
    MonoTime due_;
    bool woken_ = false;
    Node node_;
    Wakeup wakeup_;
    Timer timer_;
  };

  // const bool happened = co_await event.wait_until(due);
  [[nodiscard]] Wait wait_until(MonoTime due) { return {*this, due}; }
  [[nodiscard]] Wait wait_for(Duration limit) { return {*this, later(loop_.now(), limit)}; }

 private:
  Loop& loop_;
  RingNode waiting_;
  bool set_ = false;
};

// A counter of permits, first come, first served.
class Semaphore final {
 public:
  Semaphore(Loop& loop, std::size_t permits) : loop_(loop), free_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() = default;

  // Gives itself back when destroyed. Outlived by the semaphore.
  class [[nodiscard]] Permit final {
   public:
    Permit() noexcept = default;
    explicit Permit(Semaphore& owner) noexcept : owner_(&owner) {}
    Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      if (this != &other) {
        release();
        owner_ = std::exchange(other.owner_, nullptr);
      }
      return *this;
    }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    ~Permit() { release(); }
    void release() noexcept {
      if (owner_) std::exchange(owner_, nullptr)->give_back();
    }

   private:
    Semaphore* owner_ = nullptr;
  };

  class [[nodiscard]] Acquire final {
   public:
    explicit Acquire(Semaphore& owner) noexcept : owner_(owner), node_(*this) {}
    Acquire(const Acquire&) = delete;
    Acquire& operator=(const Acquire&) = delete;
    ~Acquire() {
      if (granted_) owner_.give_back(); // cancelled between grant and resumption
    }
    [[nodiscard]] bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> handle) noexcept;
    [[nodiscard]] Permit await_resume() noexcept {
      granted_ = false;
      return Permit(owner_);
    }

   private:
    friend class Semaphore;
    struct Node final : RingNode {
      explicit Node(Acquire& owner) : acquire(owner) {}
      Acquire& acquire;
    };
    Semaphore& owner_;
    bool granted_ = false;
    Node node_;
    Wakeup wakeup_;
  };

  // Semaphore::Permit permit = co_await semaphore.acquire();
  [[nodiscard]] Acquire acquire() noexcept { return Acquire(*this); }
  [[nodiscard]] std::size_t free_permits() const noexcept { return free_; }
  [[nodiscard]] bool has_waiters() const noexcept { return waiting_.is_linked(); }

 private:
  void give_back() noexcept;

  Loop& loop_;
  RingNode waiting_;
  std::size_t free_;
};

// Awaits `task`, for at most `limit`; when the time runs out the task is cancelled and `on_timeout` is the result.
//   auto connecting = dial(host);
//   auto stream = co_await with_timeout(loop, 30s, connect_timeout(host), std::move(connecting));
template<class T>
class [[nodiscard]] WithTimeout final {
 public:
  WithTimeout(Loop& loop, Duration limit, Error on_timeout, Task<Result<T>> task)
      : loop_(loop), limit_(limit), on_timeout_(std::move(on_timeout)), task_(std::move(task)),
        timer_(loop, [this] { time_out(); }) {}

  [[nodiscard]] bool await_ready() {
    runner_.start(std::move(task_), [this](Result<T> result) {
      result_.emplace(std::move(result));
      timer_.stop();
      if (suspended_) loop_.schedule(wakeup_);
    });
    return result_.has_value();
  }
  void await_suspend(std::coroutine_handle<> handle) {
    suspended_ = true;
    wakeup_.set_coroutine(handle);
    timer_.start_after(limit_);
  }
  [[nodiscard]] Result<T> await_resume() { return *std::move(result_); }

 private:
  void time_out() {
    runner_.cancel();
    result_.emplace(std::unexpect, std::move(on_timeout_));
    loop_.schedule(wakeup_);
  }

  Loop& loop_;
  Duration limit_;
  Error on_timeout_;
  Task<Result<T>> task_;
  std::optional<Result<T>> result_;
  bool suspended_ = false;
  Wakeup wakeup_;
  Timer timer_;
  TaskRunner<Result<T>> runner_;
};

template<class T>
[[nodiscard]] WithTimeout<T> with_timeout(Loop& loop, Duration limit, Error on_timeout, Task<Result<T>> task) {
  return WithTimeout<T>(loop, limit, std::move(on_timeout), std::move(task));
}

} // namespace mailmoor::runtime
