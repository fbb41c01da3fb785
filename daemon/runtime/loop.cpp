#include "runtime/loop.h"

#include "runtime/uv_handle.h"
#include "util/may_block.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace mailmoor::runtime {
namespace {

// libuv's timer stands still while the machine sleeps; ours does not. A wait is cut into pieces this long, so that
// timers which came due during a suspend fire at most this late after it.
constexpr Duration kLongestWait = std::chrono::seconds(20);

[[nodiscard]] Loop& loop_of(const uv_loop_t* uv) noexcept {
  return *static_cast<Loop*>(uv->data);
}

} // namespace

struct Loop::Handles {
  explicit Handles(Loop& loop) : run_posted([&loop] { loop.run_posted(); }) {}

  uv_loop_t uv{};
  UvHandle<uv_idle_t> idle;   // runs while the ready ring has nodes: the loop then does not wait
  UvHandle<uv_timer_t> timer; // the earliest deadline
  UvHandle<uv_async_t> async; // post() from other threads
  UvHandle<uv_prepare_t> before_poll;
  UvHandle<uv_check_t> after_poll;
  Wakeup run_posted;
  std::mutex posted_mutex;
  std::vector<std::function<void()>> posted;
};

void Wakeup::run() {
  if (handle_) return std::exchange(handle_, nullptr).resume();
  const auto function = function_; // the callee may destroy this object
  if (function) function();
}

void Timer::start_at(MonoTime due) {
  stop();
  place_ = loop_.timers_.emplace(due, this);
  queued_ = true;
}

void Timer::start_after(Duration delay) {
  start_at(later(loop_.now(), delay));
}

void Timer::stop() noexcept {
  leave_queue();
  due_.unlink();
}

void Timer::leave_queue() noexcept {
  if (std::exchange(queued_, false)) loop_.timers_.erase(place_);
}

Loop::Loop(const Clock& clock) : clock_(clock), handles_(std::make_unique<Handles>(*this)) {
  uv_loop_t* const uv_loop = &handles_->uv;
  must(uv_loop_init(uv_loop), "uv_loop_init");
  uv_loop->data = this;
  handles_->idle = open_handle<uv_idle_t>("uv_idle_init", [&](auto* idle) { return uv_idle_init(uv_loop, idle); });
  handles_->timer =
      open_handle<uv_timer_t>("uv_timer_init", [&](auto* timer) { return uv_timer_init(uv_loop, timer); });
  handles_->async = open_handle<uv_async_t>("uv_async_init", [&](auto* async) {
    return uv_async_init(uv_loop, async, [](uv_async_t* woken) noexcept {
      Loop& loop = loop_of(woken->loop);
      loop.schedule(loop.handles_->run_posted);
    });
  });
  handles_->before_poll =
      open_handle<uv_prepare_t>("uv_prepare_init", [&](auto* handle) { return uv_prepare_init(uv_loop, handle); });
  uv_prepare_start(handles_->before_poll.get(),
                   [](uv_prepare_t* prepare) noexcept { loop_of(prepare->loop).before_poll(); });
  handles_->after_poll =
      open_handle<uv_check_t>("uv_check_init", [&](auto* handle) { return uv_check_init(uv_loop, handle); });
  uv_check_start(handles_->after_poll.get(), [](uv_check_t* check) noexcept { loop_of(check->loop).after_poll(); });
}

Loop::~Loop() {
  assert(timers_.empty() && "a Timer outlives its Loop");
  handles_->idle.reset();
  handles_->timer.reset();
  handles_->async.reset();
  handles_->before_poll.reset();
  handles_->after_poll.reset();
  uv_run(&handles_->uv, UV_RUN_DEFAULT); // the close callbacks
  [[maybe_unused]] const int busy = uv_loop_close(&handles_->uv);
  assert(busy == 0 && "a descriptor or signal outlives its Loop");
}

void Loop::run() {
  run_until([this] { return stopping_; });
  stopping_ = false;
}

void Loop::run_until(const std::function<bool()>& is_done) {
  const NoBlockingScope no_blocking;
  busy_since_ = now();
  while (!is_done())
    uv_run(&handles_->uv, UV_RUN_ONCE);
}

void Loop::stop() noexcept {
  stopping_ = true;
  uv_async_send(handles_->async.get());
}

void Loop::run_ready() {
  const NoBlockingScope no_blocking;
  busy_since_ = now();
  do {
    ran_something_ = false;
    uv_run(&handles_->uv, UV_RUN_NOWAIT);
  } while (ran_something_);
}

void Loop::schedule(Wakeup& wakeup) noexcept {
  if (wakeup.is_linked()) return;
  if (!ready_.is_linked()) uv_idle_start(handles_->idle.get(), [](uv_idle_t*) {});
  ready_.push_back(wakeup);
}

void Loop::post(std::function<void()> function) {
  {
    const std::scoped_lock lock(handles_->posted_mutex);
    handles_->posted.push_back(std::move(function));
  }
  uv_async_send(handles_->async.get());
}

MonoTime Loop::next_timer() const noexcept {
  return timers_.empty() ? MonoTime::max() : timers_.begin()->first;
}

void Loop::on_lag(Duration threshold, std::function<void(Duration)> report) {
  lag_threshold_ = threshold;
  report_lag_ = std::move(report);
}

uv_loop_s* Loop::uv() noexcept {
  return &handles_->uv;
}

void Loop::before_poll() {
  const Duration busy = now() - busy_since_;
  if (report_lag_ && busy > lag_threshold_) report_lag_(busy);
  arm();
}

void Loop::after_poll() {
  busy_since_ = now();
  while (!timers_.empty() && timers_.begin()->first <= busy_since_) {
    Timer& timer = *timers_.begin()->second;
    timer.leave_queue();
    schedule(timer.due_);
  }
  // Only what is ready now: what these wake runs in the next turn, after the descriptors.
  RingNode batch;
  batch.splice(ready_);
  ran_something_ |= batch.is_linked();
  while (batch.is_linked()) {
    auto& wakeup = static_cast<Wakeup&>(batch.front());
    wakeup.unlink();
    wakeup.run(); // may destroy `wakeup`
  }
  if (!ready_.is_linked()) uv_idle_stop(handles_->idle.get());
}

void Loop::run_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::scoped_lock lock(handles_->posted_mutex);
    posted.swap(handles_->posted);
  }
  for (auto& function : posted)
    function();
}

// libuv takes the waiting time after this has run, so timers need no arming in between.
void Loop::arm() {
  const MonoTime due = next_timer();
  if (due == MonoTime::max() || !clock_.is_real()) {
    uv_timer_stop(handles_->timer.get());
    return;
  }
  const MonoTime time = now();
  const Duration wait = due <= time ? Duration::zero() : std::min(due - time, kLongestWait);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  uv_update_time(&handles_->uv);
  uv_timer_start(handles_->timer.get(), [](uv_timer_t*) noexcept {}, static_cast<std::uint64_t>(milliseconds), 0);
}

} // namespace mailmoor::runtime
