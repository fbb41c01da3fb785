// The numbers of the fleet as OpenMetrics text. Pure.
#pragma once

#include "model/fleet_metrics.h"

#include <string>

namespace mailmoor::control {

[[nodiscard]] std::string to_open_metrics(const FleetMetrics& metrics);

} // namespace mailmoor::control
