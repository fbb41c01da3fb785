// Whether this thread may block. The loop thread may not: a file or SQL call there stalls every mailbox.
// The loop marks its thread; what blocks asserts. Each thread sees its own mark.
#pragma once

#include <cassert>

namespace mailmoor {

namespace detail {
inline thread_local bool thread_may_block = true;
} // namespace detail

inline void assert_may_block() noexcept {
  assert(detail::thread_may_block && "blocking call on the loop thread");
}

// Marks the current thread for as long as it lives.
class [[nodiscard]] NoBlockingScope final {
 public:
  NoBlockingScope() noexcept : before_(detail::thread_may_block) { detail::thread_may_block = false; }
  NoBlockingScope(const NoBlockingScope&) = delete;
  NoBlockingScope& operator=(const NoBlockingScope&) = delete;
  ~NoBlockingScope() { detail::thread_may_block = before_; }

 private:
  bool before_;
};

} // namespace mailmoor
