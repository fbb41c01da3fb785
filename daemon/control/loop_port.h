// What control/ needs from the event loop; main.cpp gives it the daemon's loop, the tests one made of poll(2).
// Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace mailmoor::control {

class LoopPort {
 public:
  // A watch or timer; destroying it stops it, also from inside its own callback.
  class Handle {
   public:
    virtual ~Handle() = default;

   protected:
    Handle() = default;
    Handle(const Handle&) = default;
    Handle& operator=(const Handle&) = default;
  };

  virtual ~LoopPort() = default;

  // Calls `ready` on the loop thread whenever `fd` is readable or hung up (level-triggered), until the handle goes.
  // The caller destroys the handle before it closes `fd`.
  [[nodiscard]] virtual std::unique_ptr<Handle> watch_readable(int fd, std::function<void()> ready) = 0;
  // Calls `due` once, not before `delay` has passed.
  [[nodiscard]] virtual std::unique_ptr<Handle> call_after(std::chrono::milliseconds delay,
                                                           std::function<void()> due) = 0;

 protected:
  LoopPort() = default;
  LoopPort(const LoopPort&) = default;
  LoopPort& operator=(const LoopPort&) = default;
};

} // namespace mailmoor::control
