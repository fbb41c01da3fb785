// LoopPort on the daemon's loop.
#pragma once

#include "control/loop_port.h"
#include "runtime/loop.h"

namespace mailmoor::control {

class RuntimePort final : public LoopPort {
 public:
  explicit RuntimePort(runtime::Loop& loop) noexcept : loop_(loop) {}

  [[nodiscard]] std::unique_ptr<Handle> watch_readable(int fd, std::function<void()> ready) override;
  [[nodiscard]] std::unique_ptr<Handle> call_after(std::chrono::milliseconds delay, std::function<void()> due) override;

 private:
  runtime::Loop& loop_;
};

} // namespace mailmoor::control
