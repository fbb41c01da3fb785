// Counts observations by size, as a metric of type histogram wants it. A value type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mailmoor {

// Of durations in seconds, from a millisecond (a quick turn of the loop) to ten seconds (a stuck one).
class Histogram final {
 public:
  static constexpr std::array<double, 12> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                     0.1,   0.25,   0.5,   1.0,  2.5,   10.0};

  void observe(double seconds) noexcept {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && seconds > kBounds[bucket])
      ++bucket;
    ++counts_[bucket];
    sum_ += seconds;
  }

  // Observations of at most kBounds[i]; with i == kBounds.size() all of them.
  [[nodiscard]] std::uint64_t at_most(std::size_t i) const noexcept {
    std::uint64_t total = 0;
    for (std::size_t bucket = 0; bucket <= i; ++bucket)
      total += counts_[bucket];
    return total;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return at_most(kBounds.size()); }
  [[nodiscard]] double sum() const noexcept { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

} // namespace mailmoor
