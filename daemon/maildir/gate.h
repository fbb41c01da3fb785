// Lets one thread close what another one goes in and out of. The one lock of this room: a delivery may be given up
// while the pool is renaming its messages.
#pragma once

#include <mutex>

namespace mailmoor::maildir {

class Gate final {
 public:
  // While the lock is held is_closed() does not change.
  [[nodiscard]] std::unique_lock<std::mutex> enter() { return std::unique_lock(mutex_); }
  // REQUIRES: inside of enter().
  [[nodiscard]] bool is_closed() const noexcept { return is_closed_; }
  // Waits for whoever is inside. Nobody finds it open afterwards.
  void close() noexcept {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
  }

 private:
  std::mutex mutex_;
  bool is_closed_ = false; // guarded by mutex_
};

} // namespace mailmoor::maildir
