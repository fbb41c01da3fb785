// What a mailbox has taken from its server lately: state.db keeps it, the mailbox's allowance is made of it. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace mailmoor {

struct HourOfOctets {
  std::int64_t hour = 0; // since 1970, UTC
  std::uint64_t octets = 0;

  friend bool operator==(const HourOfOctets&, const HourOfOctets&) = default;
};

struct Downloads {
  std::optional<double> rate_limit;   // messages a second; empty: the server never asked for less
  std::vector<HourOfOctets> received; // ascending

  friend bool operator==(const Downloads&, const Downloads&) = default;
};

} // namespace mailmoor
