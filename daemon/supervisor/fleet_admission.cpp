// How the fleet shares connections among its mailboxes, and calls them back when the network returns.
#include "supervisor/fleet.h"

#include <optional>
#include <set>
#include <utility>

namespace mailmoor::supervisor {
namespace {

constexpr runtime::Duration kNetworkLook = std::chrono::seconds(1);
// While nobody waits for the network. A machine that wakes up is noticed within this, too: the loop's own timer stands
// still while it sleeps.
constexpr runtime::Duration kIdleLook = std::chrono::seconds(4);

} // namespace

// Where there are fewer connections than mailboxes, one that only waits for news does not keep another from its mail,
// nor does one with years of mail to fetch.
void Fleet::share_connections() {
  std::size_t room = admission_.room();
  if (stopping_ || room == 0 || !admission_.somebody_waits()) return;
  auto next = slots_.upper_bound(gave_way_); // in turns
  for (std::size_t i = 0; i < slots_.size() && room != 0; ++i, ++next) {
    if (next == slots_.end()) next = slots_.begin();
    if (!admission_.somebody_waits_for(next->second.berths) || !next->second.life->give_way()) continue;
    gave_way_ = next->first;
    --room;
  }
}

runtime::Task<void> Fleet::keep_network() {
  while (true) {
    const runtime::Duration pause = watch_network() ? kNetworkLook : kIdleLook;
    co_await runtime::sleep_for(services_.loop, pause);
  }
}

// Empty: it waits for no network.
std::optional<NetworkWatch::Way> Fleet::way_of(const MailboxSlot& slot) {
  const mailbox::NetworkWait wait = slot.life->waits_for_network();
  if (wait == mailbox::NetworkWait::kNone) return std::nullopt;
  NetworkWatch::Way way{.host = slot.config.host, .port = slot.config.port, .proxy = slot.config.proxy};
  if (wait == mailbox::NetworkWait::kProof) way.proof = slot.life->trust();
  return way;
}

// Whether somebody waits for the network.
bool Fleet::watch_network() {
  std::set<NetworkWatch::Way> wanted;
  for (const auto& [name, slot] : slots_)
    if (auto way = way_of(slot); way && !stopping_) wanted.insert(*std::move(way));
  network_.look(wanted);
  return !wanted.empty();
}

void Fleet::network_returned(const NetworkWatch::Way& way) {
  if (stopping_) return;
  for (const auto& [name, slot] : slots_) {
    if (way_of(slot) != way) continue;
    if (slot.keeper != nullptr && !slot.keeper->has_live_token()) slot.keeper->try_again();
    slot.life->network_returned();
  }
}

} // namespace mailmoor::supervisor
