// The loop that owns all mailboxes: one libuv loop, one thread. C callbacks only mark and schedule; coroutines are
// resumed from here, one after the other, so a resumed coroutine may destroy anything.
// Loop thread only, except post().
#pragma once

#include "runtime/clock.h"
#include "runtime/intrusive.h"

#include <coroutine>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <utility>

struct uv_loop_s;

namespace mailmoor::runtime {

class Loop;

// Something the loop shall run soon: a coroutine to resume, or a function. Owned by whoever waits; taken out of the
// queue when destroyed.
class Wakeup final : public RingNode {
 public:
  Wakeup() noexcept = default;
  explicit Wakeup(std::function<void()> function) : function_(std::move(function)) {}
  void set_coroutine(std::coroutine_handle<> handle) noexcept { handle_ = handle; }
  void run();

 private:
  std::coroutine_handle<> handle_ = nullptr;
  std::function<void()> function_;
};

// One timer; when due, its function runs once in the loop's turn, or its coroutine is resumed. Either may restart,
// stop or destroy any timer, this one included. Stopped when destroyed. Restarting moves the deadline.
class Timer final {
 public:
  Timer(Loop& loop, std::function<void()> on_due) : loop_(loop), due_(std::move(on_due)) {}
  explicit Timer(Loop& loop) : loop_(loop) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { stop(); }

  void set_coroutine(std::coroutine_handle<> handle) noexcept { due_.set_coroutine(handle); }
  // MonoTime::max() is never.
  void start_at(MonoTime due);
  void start_after(Duration delay);
  void stop() noexcept;
  // Whether it waits for its time, or for its turn since that time has come.
  [[nodiscard]] bool is_running() const noexcept { return queued_ || due_.is_linked(); }

 private:
  friend class Loop;
  using Queue = std::multimap<MonoTime, Timer*>;
  void leave_queue() noexcept;

  Loop& loop_;
  Wakeup due_;
  Queue::iterator place_{};
  bool queued_ = false;
};

class Loop final {
 public:
  explicit Loop(const Clock& clock);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop(); // REQUIRES: no timer, descriptor or pool of this loop is alive

  // Runs until stop(). The calling thread becomes the loop thread, on which nothing may block.
  void run();
  void stop() noexcept;
  // Tests: runs what is ready and due now, without waiting; returns after a turn in which nothing was.
  void run_ready();
  // Runs until `is_done` answers true, waiting for descriptors, threads and real timers.
  void run_until(const std::function<bool()>& is_done);

  // Queues `wakeup` once; it runs in this or the next turn, never inside this call.
  void schedule(Wakeup& wakeup) noexcept;
  // Any thread. Runs `function` on the loop thread.
  void post(std::function<void()> function);

  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
  [[nodiscard]] MonoTime now() const noexcept { return clock_.now(); }
  [[nodiscard]] WallTime wall_now() const noexcept { return clock_.wall_now(); }
  // When the next timer is due, MonoTime::max() when none runs.
  [[nodiscard]] MonoTime next_timer() const noexcept;

  // Called after a turn that kept the loop busy longer than `threshold`, with the time that the turn took.
  void on_lag(Duration threshold, std::function<void(Duration)> report);

  [[nodiscard]] uv_loop_s* uv() noexcept;

 private:
  friend class Timer;
  struct Handles;

  void before_poll();
  void after_poll();
  void run_posted();
  void arm();

  const Clock& clock_;
  RingNode ready_;
  Timer::Queue timers_;
  std::unique_ptr<Handles> handles_;
  std::function<void(Duration)> report_lag_;
  Duration lag_threshold_{};
  MonoTime busy_since_{};
  bool ran_something_ = false;
  bool stopping_ = false;
};

} // namespace mailmoor::runtime
