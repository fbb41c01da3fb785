#include "mailbox/quick_retries.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace mailmoor::mailbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Before each of the first two tries, and before each that follows.
constexpr milliseconds kFirst = seconds(1);
constexpr milliseconds kLater = seconds(2);
constexpr int kFirstTries = 2;

// Of these no server is known to have said anything: octets did not arrive, or not those that were sent.
constexpr std::array<std::string_view, 11> kBrokenLine = {
    "connection_lost", "io_timeout",         "connect_failed",  "connect_timeout", "dns_failed",         "tls_failed",
    "no_greeting",     "protocol_violation", "unexpected_line", "limit_exceeded",  "corrupt_compression"};

[[nodiscard]] bool is_broken_line(const Error& error) {
  const bool of_the_line = error.kind == ErrorKind::kHost || error.kind == ErrorKind::kMailbox;
  return of_the_line && !error.imposed_wait && std::ranges::find(kBrokenLine, error.code) != kBrokenLine.end();
}

} // namespace

void QuickRetries::session_ended(Duration lasted, bool in_step, bool brought_mail) noexcept {
  if (!brought_mail && !(in_step && lasted >= kPrice)) return;
  saved_ = std::min<Duration>(saved_ + lasted, kPrice * kMost);
  left_ = saved_ >= kPrice ? kRow : milliseconds::zero();
  tried_ = 0;
}

std::optional<milliseconds> QuickRetries::after(const Error& error, double random01) noexcept {
  if (!is_broken_line(error)) left_ = milliseconds::zero();
  if (left_ < kFirst / 2) return std::nullopt;
  if (tried_ == 0) saved_ -= kPrice; // one price for the whole row
  const milliseconds whole = tried_ < kFirstTries ? kFirst : kLater;
  ++tried_;
  const auto by_chance = static_cast<std::int64_t>(static_cast<double>(whole.count()) / 2 * random01);
  const milliseconds wait = std::min(whole / 2 + milliseconds(by_chance), left_);
  left_ -= wait;
  return wait;
}

} // namespace mailmoor::mailbox
