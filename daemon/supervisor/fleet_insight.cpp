// What can be asked of the fleet besides its status: an examination of one mailbox, and the numbers for monitoring.
#include "supervisor/fleet.h"
#include "supervisor/translate.h"

#include <array>
#include <utility>

namespace mailmoor::supervisor {

Result<std::unique_ptr<Subscription>> Fleet::examine(std::string_view mailbox, ExaminationListener listener) {
  auto found = find(mailbox);
  if (!found) return pass(std::move(found).error());
  MailboxSlot& slot = **found;
  mailbox::OauthClient* const client = slot.keeper != nullptr ? apps_.at(slot.config.app).client.get() : nullptr;
  return examiner_.start(
      [this, &slot, client](mailbox::Examination::Sink sink) {
        return std::make_unique<mailbox::Examination>(
            services_, examination_settings(slot.config, prepared_, options_.environment, options_.key_source),
            *slot.life, client, slot.keeper, [this] { return admission_.pace().admit(); }, std::move(sink));
      },
      std::move(listener));
}

FleetMetrics Fleet::metrics() const {
  constexpr std::array kKinds = {ErrorKind::kMessage, ErrorKind::kFolder,   ErrorKind::kMailbox, ErrorKind::kHost,
                                 ErrorKind::kApp,     ErrorKind::kOperator, ErrorKind::kBug};
  const mailbox::Counters& counters = services_.counters;
  FleetMetrics metrics;
  metrics.version = services_.version;
  metrics.loop_lag = counters.loop_lag;
  for (const ErrorKind kind : kKinds) {
    const auto count = counters.errors.find(kind);
    metrics.errors.emplace_back(error_kind_name(kind), count == counters.errors.end() ? 0 : count->second);
  }
  metrics.mailboxes.reserve(slots_.size());
  for (const auto& [name, slot] : slots_) {
    const mailbox::MailboxView view = slot.life->view();
    MailboxMetrics& row = metrics.mailboxes.emplace_back();
    row.name = name;
    row.state = view.state;
    row.last_sync = view.last_sync;
    row.behind = view.behind;
    row.throttled_until = slot.life->imposed_pause();
    if (slot.keeper != nullptr) row.token_expires_at = slot.keeper->expires_at();
    for (const auto& [wire, folder] : slot.life->folders())
      if (folder.chosen || folder.why.empty()) row.poison += folder.recorded.retries.size();
    if (const auto counted = counters.mailboxes.find(name); counted != counters.mailboxes.end()) {
      row.delivered = counted->second.delivered;
      row.octets = counted->second.octets;
    }
    metrics.connections += view.connections;
  }
  return metrics;
}

} // namespace mailmoor::supervisor
