// How much of what is received waits in memory for the disk: 4 MiB for all folders together, or 16 KiB for each where
// more than 256 receive at the same time (P8). Built once by main; outlives all mailboxes. Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>

namespace mailmoor::mailbox {

class PieceBudget final {
 public:
  PieceBudget() = default;
  PieceBudget(const PieceBudget&) = delete;
  PieceBudget& operator=(const PieceBudget&) = delete;
  ~PieceBudget() = default;

  // One folder that receives. It holds two pieces at most: one is collected while the other is written.
  class Share final {
   public:
    explicit Share(PieceBudget& budget) noexcept : budget_(budget) { ++budget_.shares_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { --budget_.shares_; }

    // In bytes. Some forty messages of 6 KB go to the pool together as long as only a few receive.
    [[nodiscard]] std::size_t piece() const noexcept {
      return std::clamp(kAll / 2 / budget_.shares_, kSmallest, kLargest);
    }

   private:
    PieceBudget& budget_;
  };

 private:
  static constexpr std::size_t kAll = std::size_t{4} * 1024 * 1024;
  static constexpr std::size_t kSmallest = std::size_t{8} * 1024;
  static constexpr std::size_t kLargest = std::size_t{256} * 1024;
  std::size_t shares_ = 0;
};

} // namespace mailmoor::mailbox
