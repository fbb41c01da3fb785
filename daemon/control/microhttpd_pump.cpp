#include "control/microhttpd_pump.h"

#include <microhttpd.h>

#include <algorithm>
#include <utility>

namespace mailmoor::control {
namespace {

constexpr int kRunsPerTurn = 8; // steps of libmicrohttpd before the loop's others get their turn

} // namespace

void MicrohttpdPump::start(MHD_Daemon& daemon) {
  daemon_ = &daemon;
  const auto* const info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  watch_ = loop_.watch_readable(info->epoll_fd, [this] { run(); });
}

void MicrohttpdPump::run() {
  timer_.reset();
  MHD_UNSIGNED_LONG_LONG next = 0;
  bool has_timer = true;
  for (int i = 0; i < kRunsPerTurn; ++i) {
    // Twice at least: one that closes connections at the limit leaves it to the next one to accept again.
    if (i >= 2 && !(has_timer && next == 0)) break;
    MHD_run(daemon_);
    has_timer = MHD_get_timeout(daemon_, &next) == MHD_YES;
  }
  if (has_timer && !timer_)
    timer_ = loop_.call_after(std::chrono::milliseconds(std::max(next, 1ULL)), [this] { run(); });
}

void MicrohttpdPump::run_soon() {
  timer_ = loop_.call_after(std::chrono::milliseconds(0), [this] { run(); });
}

void MicrohttpdPump::stop() {
  watch_.reset();
  timer_.reset();
  for (int i = 0; i < kRunsPerTurn; ++i)
    MHD_run(daemon_);
}

} // namespace mailmoor::control
