#include "mailbox/back_off.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mailmoor::mailbox {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array kPassing = {seconds(5),   seconds(10),  seconds(20),  seconds(40), seconds(80),
                                 seconds(160), seconds(320), seconds(640), seconds(900)};
constexpr std::array kNeedsSomeone = {seconds(60), seconds(300), seconds(900), seconds(3600)};

template<std::size_t Size>
[[nodiscard]] seconds step(const std::array<seconds, Size>& ladder, int failures) {
  return ladder[std::min(static_cast<std::size_t>(std::max(failures, 1)), Size) - 1];
}

[[nodiscard]] seconds longest(const Error& error, int failures) {
  if (error.code == "too_many_connections") return minutes(10);
  return ladder_of(error) == Ladder::kNeedsSomeone ? step(kNeedsSomeone, failures) : step(kPassing, failures);
}

} // namespace

Ladder ladder_of(const Error& error) {
  if (error.code == "over_quota") return Ladder::kOverQuota;
  if (error.code == "not_connected") return Ladder::kNeedsSomeone;
  switch (error.kind) {
  case ErrorKind::kMessage:
  case ErrorKind::kFolder:
  case ErrorKind::kMailbox:
  case ErrorKind::kHost: return Ladder::kPassing;
  case ErrorKind::kApp:
  case ErrorKind::kOperator:
  case ErrorKind::kBug: return Ladder::kNeedsSomeone;
  }
  return Ladder::kNeedsSomeone;
}

std::chrono::hours over_quota_wait(int times) {
  constexpr std::array kHours = {1, 2, 4, 8, 16, 24};
  return std::chrono::hours(kHours[std::min(static_cast<std::size_t>(std::max(times, 1)), kHours.size()) - 1]);
}

int count_faults(const Error& error, std::string_view last_code, int failures, std::chrono::microseconds lasted) {
  if (error.code == "over_quota") return last_code == error.code ? failures + 1 : 1;
  // A server that accepts and drops us over and over again does not start the ladder anew each time.
  return lasted >= kStableAfter ? 1 : failures + 1;
}

std::chrono::milliseconds back_off(const Error& error, int failures, double random01) {
  const std::chrono::milliseconds whole = longest(error, failures);
  return whole / 2 +
         std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) / 2 * random01));
}

} // namespace mailmoor::mailbox
