#include "supervisor/network_watch.h"

#include "log/log.h"
#include "net/dialer.h"
#include "net/tls_stream.h"
#include "runtime/wait.h"
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
// A handshake costs the server more; and a certificate that is wrong may be so for days.
constexpr runtime::Duration kProofOften = seconds(5);
constexpr runtime::Duration kProofSeldom = std::chrono::minutes(2);
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
    const auto [often, seldom] = way.proof ? std::pair(kProofOften, kProofSeldom) : std::pair(kOften, kSeldom);
    state.next = now + (now - state.began < kLong ? often : seldom);
    probes_.spawn(probe(way));
  }
}

runtime::Task<Status> NetworkWatch::reach(Way way) {
  net::DialTarget target;
  target.host = way.host;
  target.port = way.port;
  target.proxy = way.proxy;
  target.connect_timeout = kPatience;
  auto dialing = services_.dialer.dial(std::move(target));
  Result<std::unique_ptr<net::TcpStream>> tcp = co_await dialing;
  if (!tcp) co_return pass(std::move(tcp).error());
  if (way.proof == nullptr) co_return Status();
  Error slow(ErrorKind::kHost, "io_timeout", "the TLS handshake is not finished");
  auto securing = net::secure(services_.tls, way.proof, *std::move(tcp), way.host);
  const Result<std::unique_ptr<net::Stream>> secured = co_await runtime::with_timeout<std::unique_ptr<net::Stream>>(
      services_.loop, kPatience, std::move(slow), std::move(securing));
  if (!secured) co_return pass(secured.error());
  co_return Status();
}

runtime::Task<void> NetworkWatch::probe(Way way) {
  auto reaching = reach(way);
  const Status reached = co_await reaching;
  const auto state = ways_.find(way);
  state->second.under_way = false;
  const bool was_closed = std::exchange(state->second.was_closed, !reached);
  if (!reached || !was_closed) co_return;
  log::write(log::Priority::kNotice, {.event = "network_returned"},
             concat(way.host, ":", way.port, " can be reached again: its mailboxes try at once"));
  on_return_(way);
}

} // namespace mailmoor::supervisor
