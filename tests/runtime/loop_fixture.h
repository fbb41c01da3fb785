// What the tests of this room share: a loop with a clock that stands still, and locals that count their lives.
#pragma once

#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/wait.h"

#include <gtest/gtest.h>

namespace mailmoor::runtime {

struct Tally {
  int made = 0;
  int released = 0;
  [[nodiscard]] int alive() const noexcept { return made - released; }
};

// A local variable of a coroutine under test.
class Local final {
 public:
  explicit Local(Tally& tally) noexcept : tally_(tally) { ++tally_.made; }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { ++tally_.released; }

 private:
  Tally& tally_;
};

// Waits by the loop's clock, which the test moves.
[[nodiscard]] inline Sleep nap(Loop& loop, Duration by) {
  return sleep_for(loop, by);
}

class LoopTest : public testing::Test {
 protected:
  void advance(Duration by) {
    clock_.advance(by);
    loop_.run_ready();
  }

  ManualClock clock_;
  Loop loop_{clock_};
};

} // namespace mailmoor::runtime
