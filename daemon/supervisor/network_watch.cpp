#include "supervisor/network_watch.h"

#include "log/log.h"
#include "net/dialer.h"
#include "util/concat.h"

#include <memory>
#include <utility>

namespace mailmoor::supervisor {
namespace {

using std::chrono::seconds;

constexpr runtime::Duration kOften = seconds(2);
// After this long without a way it is no gap in the network any more, but a server that is away.
constexpr runtime::Duration kLong = std::chrono::minutes(30);
constexpr runtime::Duration kSeldom = seconds(30);
constexpr std::chrono::milliseconds kPatience = seconds(3);

} // namespace

void NetworkWatch::look(const std::set<Way>& wanted) {
  const runtime::MonoTime now = services_.loop.now();
  std::erase_if(ways_,
                [&wanted](const auto& entry) { return !wanted.contains(entry.first) && !entry.second.under_way; });
  for (const Way& way : wanted) {
    const auto [entry, is_new] = ways_.try_emplace(way, Probe{.began = now, .next = now});
    Probe& state = entry->second;
    if (state.under_way || now < state.next) continue;
    state.under_way = true;
    state.next = now + (now - state.began < kLong ? kOften : kSeldom);
    probes_.spawn(probe(way));
  }
}

runtime::Task<void> NetworkWatch::probe(Way way) {
  net::DialTarget target;
  target.host = way.host;
  target.port = way.port;
  target.proxy = way.proxy;
  target.connect_timeout = kPatience;
  auto dialing = services_.dialer.dial(std::move(target));
  const Result<std::unique_ptr<net::TcpStream>> tcp = co_await dialing;
  const auto state = ways_.find(way);
  state->second.under_way = false;
  const bool was_closed = std::exchange(state->second.was_closed, !tcp);
  if (!tcp || !was_closed) co_return;
  log::write(log::Priority::kNotice, {.event = "network_returned"},
             concat(way.host, ":", way.port, " can be reached again: its mailboxes try at once"));
  on_return_(way);
}

} // namespace mailmoor::supervisor
