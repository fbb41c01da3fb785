// How the fleet shares connections among its mailboxes.
#include "supervisor/fleet.h"

namespace mailmoor::supervisor {

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

} // namespace mailmoor::supervisor
