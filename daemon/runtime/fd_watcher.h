// Tells when a descriptor can be read or written. One object per descriptor, any number of awaiters.
// Owned by the stream that owns the descriptor, and destroyed before the descriptor is closed. Loop thread only.
#pragma once

#include "runtime/loop.h"

#include <coroutine>
#include <functional>
#include <memory>

namespace mailmoor::runtime {

class FdWatcher final {
 public:
  // REQUIRES: `fd` is open and non-blocking, and no other watcher has it.
  FdWatcher(Loop& loop, int fd);
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;
  ~FdWatcher();

  enum class Direction { kRead, kWrite };

  // Resumes when the direction is ready, or the descriptor is in error (the next call on it will tell).
  // Time limits are the caller's: wrap the whole operation in with_timeout().
  class [[nodiscard]] Ready final {
   public:
    Ready(FdWatcher& owner, Direction direction) noexcept : owner_(owner), direction_(direction), node_(*this) {}
    Ready(const Ready&) = delete;
    Ready& operator=(const Ready&) = delete;
    ~Ready();
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const noexcept {}

   private:
    friend class FdWatcher;
    struct Node final : RingNode {
      explicit Node(Ready& owner) : ready(owner) {}
      Ready& ready;
    };
    FdWatcher& owner_;
    Direction direction_;
    Node node_;
    Wakeup wakeup_;
  };

  [[nodiscard]] Ready readable() noexcept { return {*this, Direction::kRead}; }
  [[nodiscard]] Ready writable() noexcept { return {*this, Direction::kWrite}; }

  // For C libraries that bring their own state machine: calls back, from the loop's turn, as long as the wanted
  // directions are ready. Not to be mixed with readable() and writable(). `callback` may destroy this object.
  void watch(bool read, bool write, std::function<void(bool readable, bool writable)> callback);

 private:
  struct Poll;
  [[nodiscard]] bool wants_read() const noexcept { return readers_.is_linked() || (want_read_ && !seen_read_); }
  [[nodiscard]] bool wants_write() const noexcept { return writers_.is_linked() || (want_write_ && !seen_write_); }
  void update();
  void narrow();
  void listen_for(int events);
  void wake(RingNode& waiting);
  void on_event(bool readable, bool writable);

  Loop& loop_;
  std::unique_ptr<Poll> poll_;
  RingNode readers_;
  RingNode writers_;
  bool want_read_ = false;
  bool want_write_ = false;
  bool seen_read_ = false;
  bool seen_write_ = false;
  std::function<void(bool, bool)> callback_;
  Wakeup call_back_;
};

} // namespace mailmoor::runtime
