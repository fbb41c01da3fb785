// Lets a libmicrohttpd daemon without threads work on the loop: when its epoll descriptor is ready, and when one of its
// time limits is due. Loop thread only.
#pragma once

#include "control/loop_port.h"

#include <memory>

struct MHD_Daemon;

namespace mailmoor::control {

class MicrohttpdPump final {
 public:
  explicit MicrohttpdPump(LoopPort& loop) : loop_(loop) {}
  MicrohttpdPump(const MicrohttpdPump&) = delete;
  MicrohttpdPump& operator=(const MicrohttpdPump&) = delete;

  // REQUIRES: `daemon` was started with MHD_USE_EPOLL and no threads; stop() comes before it is stopped.
  void start(MHD_Daemon& daemon);
  // A suspended connection was resumed: without a thread of its own libmicrohttpd does not notice.
  void run_soon();
  // Sends what is ready and ends.
  void stop();

 private:
  void run();

  LoopPort& loop_;
  MHD_Daemon* daemon_ = nullptr;
  std::unique_ptr<LoopPort::Handle> watch_;
  std::unique_ptr<LoopPort::Handle> timer_;
};

} // namespace mailmoor::control
