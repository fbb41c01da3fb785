// How many bytes a mailbox may still take from its server: at most so many in any 24 hours. New mail comes first: a
// tenth is kept for it, which the backfill may not use. What is on its way when the budget ends is still received.
// Pure: the time is told. Owned by the mailbox's allowance.
#pragma once

#include "model/downloads.h"
#include "util/time_text.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace mailmoor::mailbox {

enum class FetchKind { kNewMail, kBackfill };

class ByteBudget final {
 public:
  // `limit`: octets; 0: none, and nothing is counted. `received`: as remembered.
  explicit ByteBudget(std::uint64_t limit = 0, std::vector<HourOfOctets> received = {});

  [[nodiscard]] bool has_limit() const noexcept { return limit_ != 0; }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
  void received(UnixTime now, std::uint64_t octets);
  // In the last 24 hours. Counted by the hour: up to an hour's more.
  [[nodiscard]] std::uint64_t used(UnixTime now) const;
  // Octets that may still be asked for; the largest number without a limit.
  [[nodiscard]] std::uint64_t room(UnixTime now, FetchKind kind) const;
  // When there will be room, by what was received so far; `now` where there is.
  [[nodiscard]] UnixTime room_at(UnixTime now, FetchKind kind) const;
  // The hours that count.
  [[nodiscard]] std::vector<HourOfOctets> remembered(UnixTime now) const;

 private:
  [[nodiscard]] std::uint64_t share(FetchKind kind) const noexcept;

  std::uint64_t limit_;
  std::vector<HourOfOctets> hours_; // ascending
};

} // namespace mailmoor::mailbox
