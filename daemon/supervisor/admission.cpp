#include "supervisor/admission.h"

#include <algorithm>

namespace mailmoor::supervisor {

void Admission::set_limits(const config::Limits& limits) {
  limits_ = limits;
  pace_.set_rate(limits.logins_per_minute);
}

Admission::Berths Admission::berths_of(const config::Mailbox& mailbox) {
  Berths berths;
  if (mailbox.uses_oauth())
    add_berth(berths, of_apps_, mailbox.app, limits_.connections_per_app, "connections_per_app");
  add_berth(berths, of_hosts_, mailbox.host, limits_.connections_per_host, "connections_per_host");
  return berths;
}

void Admission::add_berth(Berths& berths, Places& places, const std::string& name, std::optional<int> limit,
                          std::string_view key) {
  auto found = places.find(name);
  if (found == places.end() && limit)
    found = places.emplace(name, std::make_unique<runtime::Semaphore>(loop_, static_cast<std::size_t>(*limit))).first;
  if (found != places.end()) berths.push_back({found->second.get(), key});
}

// Half of the places at most: the others are at work meanwhile.
std::size_t Admission::room() const noexcept {
  const std::size_t ahead =
      std::clamp<std::size_t>(static_cast<std::size_t>(limits_.connections) / 2, 1, pace_.burst());
  return ahead - std::min(ahead, pace_.waiting());
}

bool Admission::somebody_waits() const noexcept {
  const auto is_full = [](const auto& entry) { return entry.second->has_waiters(); };
  return connections_.has_waiters() || std::ranges::any_of(of_apps_, is_full) ||
         std::ranges::any_of(of_hosts_, is_full);
}

bool Admission::somebody_waits_for(const Berths& berths) const noexcept {
  return connections_.has_waiters() ||
         std::ranges::any_of(berths, [](const mailbox::Berth& berth) { return berth.places->has_waiters(); });
}

} // namespace mailmoor::supervisor
