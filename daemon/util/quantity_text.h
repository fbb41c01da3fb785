// Sizes and rates as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace mailmoor {

// Rounded to a tenth of the largest unit that fits, "150.0 MiB".
[[nodiscard]] std::string size_text(std::uint64_t octets);
// "12.3/s".
[[nodiscard]] std::string rate_text(double per_second);

} // namespace mailmoor
