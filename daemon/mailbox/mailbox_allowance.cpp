// The part of a mailbox's life that holds back: what its server puts up with, and the bytes of a day.
#include "log/log.h"
#include "mailbox/mailbox.h"
#include "util/concat.h"
#include "util/quantity_text.h"

#include <utility>

namespace mailmoor::mailbox {

void Mailbox::listen_to(Connection& connection) {
  connection.on_received([this](std::size_t octets) { allowance_.octets_received(octets); });
  connection.on_slow_down([this] {
    if (const auto change = allowance_.slowed_down()) tell_pace(*change);
  });
  connection.on_event([this, &connection](const imap::Event& event) { overhear(connection, event); });
}

void Mailbox::tell_pace(const FetchAllowance::Change& change) const {
  log::write(log::Priority::kNotice, {.mailbox = settings_.name, .event = "pace"},
             concat("the server asked for less: messages are fetched at ", rate_text(change.now),
                    " at most from now on", change.before ? concat(", instead of ", rate_text(*change.before)) : "",
                    ", and a tenth faster after each five minutes without such a word"));
}

void Mailbox::record_downloads() {
  services_.store_thread.run_detached(
      [&state = services_.state, name = settings_.name, downloads = allowance_.remembered()] {
        const Status saved = state.save_downloads_blocking(name, downloads);
        if (!saved)
          log::write(log::Priority::kErr, {.mailbox = name, .event = "state_not_recorded", .error = saved.error().code},
                     concat("how many bytes were received could not be recorded: they are kept in mind, and after a "
                            "restart `daily_bytes` would let more through: ",
                            saved.error().what));
      });
}

std::uint64_t Mailbox::behind() const {
  std::uint64_t messages = 0;
  for (const auto& [wire, folder] : folders_)
    if (folder.chosen || folder.why.empty()) messages += folder.behind;
  return messages;
}

// Listing a large folder again and again would use up what is kept for new mail.
bool Mailbox::waits_for_budget(const Folder& folder) {
  if (folder.behind == 0 || allowance_.grants(FetchKind::kBackfill)) return false;
  if (!allowance_.grants(FetchKind::kNewMail)) return true;
  const auto listed = listed_states_.find(folder.name.wire());
  return listed != listed_states_.end() && listed->second == folder.looked_at;
}

std::optional<UnixTime> Mailbox::budget_pause() const {
  if (allowance_.grants(FetchKind::kBackfill) || behind() == 0) return std::nullopt;
  return allowance_.budget().room_at(services_.now(), FetchKind::kBackfill);
}

std::string Mailbox::budget_reason() const {
  const ByteBudget& budget = allowance_.budget();
  const std::uint64_t left = behind();
  return concat("daily_bytes: ", size_text(budget.used(services_.now())), " of ", size_text(budget.limit()),
                " were received in the last 24 hours; ", left, left == 1 ? " message waits" : " messages wait",
                allowance_.grants(FetchKind::kNewMail) ? ", new mail still comes" : "");
}

} // namespace mailmoor::mailbox
