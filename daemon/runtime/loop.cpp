#include "runtime/loop.h"

#include "runtime/uv_handle.h"
#include "util/may_block.h"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>
#include <vector>

namespace mailmoor::runtime {
namespace {

// libuv's timer stands still while the machine sleeps; ours does not. A wait is cut into pieces this long, so that
// timers which came due during a suspend fire at most this late after it.
constexpr Duration kLongestWait = std::chrono::seconds(20);

} // namespace

struct Loop::Handles {
  uv_loop_t loop{};
  UvHandle<uv_idle_t> idle;   // runs while the ready ring has nodes: the loop then does not wait
  UvHandle<uv_timer_t> timer; // the earliest deadline
  UvHandle<uv_async_t> async; // post() from other threads
  UvHandle<uv_prepare_t> before_poll;
  UvHandle<uv_check_t> after_poll;
  MonoTime turn_began{};
  std::mutex posted_mutex;
  std::vector<std::function<void()>> posted;
};

void Wakeup::run() {
  if (handle_) return std::exchange(handle_, nullptr).resume();
  const auto function = function_; // the callee may destroy this object
  if (function) function();
}

Timer::Timer(Loop& loop, std::function<void()> on_due) : loop_(loop), on_due_(std::move(on_due)) {}

void Timer::start_at(MonoTime due) {
  stop();
  place_ = loop_.timers_.emplace(due, this);
  running_ = true;
  if (place_ == loop_.timers_.begin()) loop_.arm();
}

void Timer::start_after(Duration delay) {
  start_at(loop_.now() + std::max(delay, Duration::zero()));
}

void Timer::stop() noexcept {
  if (!std::exchange(running_, false)) return;
  loop_.timers_.erase(place_);
}

Loop::Loop(const Clock& clock) : clock_(clock), handles_(std::make_unique<Handles>()) {
  uv_loop_t* const uv_loop = &handles_->loop;
  uv_loop_init(uv_loop);
  uv_loop->data = this;
  const auto self = [](auto* handle) { return static_cast<Loop*>(handle->loop->data); };

  handles_->idle.reset(new uv_idle_t{});
  uv_idle_init(uv_loop, handles_->idle.get());
  handles_->timer.reset(new uv_timer_t{});
  uv_timer_init(uv_loop, handles_->timer.get());
  handles_->async.reset(new uv_async_t{});
  static constexpr auto kSelf = self;
  uv_async_init(uv_loop, handles_->async.get(), [](uv_async_t* async) {
    Loop& loop = *kSelf(async);
    std::vector<std::function<void()>> posted;
    {
      const std::scoped_lock lock(loop.handles_->posted_mutex);
      posted.swap(loop.handles_->posted);
    }
    for (auto& function : posted)
      function();
  });
  handles_->before_poll.reset(new uv_prepare_t{});
  uv_prepare_init(uv_loop, handles_->before_poll.get());
  uv_prepare_start(handles_->before_poll.get(), [](uv_prepare_t* prepare) {
    Loop& loop = *kSelf(prepare);
    const Duration busy = loop.now() - loop.handles_->turn_began;
    if (loop.report_lag_ && busy > loop.lag_threshold_ && loop.handles_->turn_began != MonoTime())
      loop.report_lag_(busy);
    loop.arm();
  });
  handles_->after_poll.reset(new uv_check_t{});
  uv_check_init(uv_loop, handles_->after_poll.get());
  uv_check_start(handles_->after_poll.get(), [](uv_check_t* check) {
    Loop& loop = *kSelf(check);
    loop.handles_->turn_began = loop.now();
    loop.fire_due_timers();
    loop.drain();
  });
}

Loop::~Loop() {
  assert(timers_.empty() && "a Timer outlives its Loop");
  handles_->idle.reset();
  handles_->timer.reset();
  handles_->async.reset();
  handles_->before_poll.reset();
  handles_->after_poll.reset();
  uv_run(&handles_->loop, UV_RUN_DEFAULT); // the close callbacks
  [[maybe_unused]] const int busy = uv_loop_close(&handles_->loop);
  assert(busy == 0 && "a descriptor or pool outlives its Loop");
}

void Loop::run() {
  run_until([this] { return stopping_; });
  stopping_ = false;
}

void Loop::run_until(const std::function<bool()>& is_done) {
  const NoBlockingScope no_blocking;
  while (!is_done())
    uv_run(&handles_->loop, UV_RUN_ONCE);
}

void Loop::stop() noexcept {
  stopping_ = true;
  uv_async_send(handles_->async.get());
}

void Loop::run_ready() {
  const NoBlockingScope no_blocking;
  do {
    uv_run(&handles_->loop, UV_RUN_NOWAIT);
  } while (ready_.is_linked() || next_timer() <= now());
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
  return &handles_->loop;
}

void Loop::drain() {
  // Only what was ready when the turn began: what these wake runs in the next turn, after the descriptors.
  RingNode batch;
  batch.splice(ready_);
  while (batch.is_linked()) {
    auto& wakeup = static_cast<Wakeup&>(batch.front());
    wakeup.unlink();
    wakeup.run(); // may destroy `wakeup`
  }
  if (!ready_.is_linked()) uv_idle_stop(handles_->idle.get());
}

void Loop::fire_due_timers() {
  const MonoTime time = now();
  while (!timers_.empty() && timers_.begin()->first <= time) {
    Timer& timer = *timers_.begin()->second;
    timer.stop();
    timer.on_due_(); // marks and schedules; may restart the timer
  }
}

void Loop::arm() {
  if (timers_.empty() || !clock_.is_real()) {
    uv_timer_stop(handles_->timer.get());
    return;
  }
  const Duration wait = std::clamp(next_timer() - now(), Duration::zero(), kLongestWait);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  uv_update_time(&handles_->loop);
  uv_timer_start(handles_->timer.get(), [](uv_timer_t*) {}, static_cast<std::uint64_t>(milliseconds), 0);
}

} // namespace mailmoor::runtime
