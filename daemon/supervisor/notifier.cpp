#include "supervisor/notifier.h"

#include "util/concat.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <systemd/sd-daemon.h>

namespace mailmoor::supervisor {
namespace {

// The socket of sd_notify(3), connected; none when systemd did not start us. sd_notify() itself waits for as long as
// the receiver takes, and the loop may not.
[[nodiscard]] UniqueFd connect_notify_socket() {
  const char* const path = std::getenv("NOTIFY_SOCKET"); // NOLINT(concurrency-mt-unsafe): no one sets variables
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view name = path != nullptr ? path : "";
  if (name.empty() || name.size() >= sizeof address.sun_path) return UniqueFd();
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0'; // the abstract namespace
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval limit{0, 200'000};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return UniqueFd();
  return socket;
}

} // namespace

Notifier::Notifier() : socket_(connect_notify_socket()) {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &microseconds) > 0)
    interval_ = std::chrono::microseconds(microseconds);
}

bool Notifier::send(std::string_view message, Patience patience) const {
  if (!socket_.is_open()) return false;
  const int flags = MSG_NOSIGNAL | (patience == Patience::kNone ? MSG_DONTWAIT : 0);
  return ::send(socket_.get(), message.data(), message.size(), flags) >= 0;
}

void Notifier::ready(const std::string& status) {
  last_status_ = status;
  send(concat("READY=1\nSTATUS=", status), Patience::kShort);
}

void Notifier::reloading() {
  // systemd wants the moment on CLOCK_MONOTONIC with Type=notify-reload (sd_notify(3)).
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  send(concat("RELOADING=1\nMONOTONIC_USEC=", microseconds), Patience::kShort);
}

void Notifier::stopping() {
  send("STOPPING=1\nSTATUS=finishing what is in flight", Patience::kShort);
}

void Notifier::status(const std::string& text) {
  if (text == last_status_) return;
  if (send(concat("STATUS=", text), Patience::kNone)) last_status_ = text;
}

void Notifier::watchdog() {
  send("WATCHDOG=1", Patience::kNone);
}

} // namespace mailmoor::supervisor
