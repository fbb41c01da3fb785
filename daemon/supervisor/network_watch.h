// Notices that a server can be reached again, within seconds: a mailbox by itself would try later and later. While
// mailboxes wait for a way to a server (see Mailbox::waits_for_network) one connection to it is tried for all of them,
// and closed at once; nothing is said on it but, where a stranger had answered in the server's place, what TLS says.
// Where it opens after it did not, they may all come, in the pace of logins. A way that was open all the time is not
// told of: what they wait for is something else, and they wait for it.
// Owned by the fleet. Loop thread only.
#pragma once

#include "mailbox/services.h"
#include "runtime/task.h"
#include "runtime/task_set.h"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace mailmoor::supervisor {

class NetworkWatch final {
 public:
  // A way to a server.
  struct Way {
    std::string host;
    std::uint16_t port = 0;
    std::string proxy;
    net::SharedTrust proof = {}; // set: whoever answers must prove to these to be the host
    friend auto operator<=>(const Way&, const Way&) = default;
  };

  NetworkWatch(const mailbox::Services& services, std::function<void(const Way&)> on_return)
      : services_(services), on_return_(std::move(on_return)), probes_(services.loop) {}
  NetworkWatch(const NetworkWatch&) = delete;
  NetworkWatch& operator=(const NetworkWatch&) = delete;

  // To be called every second or so, with all that is waited for now.
  void look(const std::set<Way>& wanted);
  [[nodiscard]] bool is_trying() const noexcept { return !probes_.empty(); }

 private:
  struct Probe {
    bool under_way = false;
    bool was_closed = false;   // seen by a try
    runtime::MonoTime began{}; // of the time without a way
    runtime::MonoTime next{};
  };
  [[nodiscard]] runtime::Task<void> probe(Way way);
  [[nodiscard]] runtime::Task<Status> reach(Way way);

  const mailbox::Services& services_;
  std::function<void(const Way&)> on_return_;
  std::map<Way, Probe> ways_;
  runtime::TaskSet probes_;
};

} // namespace mailmoor::supervisor
