// GET /metrics on a TCP address, for a monitoring system that cannot reach the control socket. Speaks nothing else,
// tells no secrets, asks for no password: give it a loopback address. Few connections, small ones, short ones.
// Loop thread only.
#pragma once

#include "control/loop_port.h"
#include "supervisor/operations.h"
#include "util/result.h"

#include <cstdint>
#include <memory>
#include <string>

namespace mailmoor::control {

class MetricsServer {
 public:
  // `address`: numeric, IPv4 or IPv6. Port 0: any that is free. `loop` and `operations` must outlive the server.
  // Errors are kOperator "metrics_failed": the address is in use or not this machine's.
  [[nodiscard]] static Result<std::unique_ptr<MetricsServer>>
  open(LoopPort& loop, const supervisor::Operations& operations, const std::string& address, std::uint16_t port);
  virtual ~MetricsServer() = default;
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;

 protected:
  MetricsServer() = default;
};

} // namespace mailmoor::control
