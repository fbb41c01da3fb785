// The progress line of `mailmoord --once` on a terminal. Erases itself when destroyed. Loop thread only.
#pragma once

#include "runtime/loop.h"
#include "supervisor/operations.h"

namespace mailmoor::supervisor {

class OnceDisplay final {
 public:
  OnceDisplay(runtime::Loop& loop, const Operations& operations);
  OnceDisplay(const OnceDisplay&) = delete;
  OnceDisplay& operator=(const OnceDisplay&) = delete;
  ~OnceDisplay();

 private:
  void draw();

  runtime::Loop& loop_;
  const Operations& operations_;
  runtime::MonoTime began_;
  runtime::Wakeup draw_;
  runtime::Timer timer_;
};

} // namespace mailmoor::supervisor
