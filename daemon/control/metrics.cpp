#include "control/metrics.h"

#include "control/open_metrics.h"

#include <array>
#include <functional>
#include <optional>

namespace mailmoor::control {
namespace {

using Type = OpenMetrics::Type;
using Mailboxes = std::vector<MailboxMetrics>;

constexpr std::array kStates = {MailboxState::kNeedsLogin, MailboxState::kConnecting, MailboxState::kSyncing,
                                MailboxState::kIdle,       MailboxState::kBackingOff, MailboxState::kThrottled,
                                MailboxState::kPaused,     MailboxState::kHeld,       MailboxState::kFailed};

// A time that is not known has no sample.
void add_times(OpenMetrics& out, const Mailboxes& mailboxes, std::optional<UnixTime> MailboxMetrics::* member) {
  for (const MailboxMetrics& mailbox : mailboxes)
    if (const auto& time = mailbox.*member; time)
      out.sample_time({{"mailbox", mailbox.name}}, time->time_since_epoch().count());
}

void add_numbers(OpenMetrics& out, const Mailboxes& mailboxes, std::uint64_t MailboxMetrics::* member) {
  for (const MailboxMetrics& mailbox : mailboxes)
    out.sample({{"mailbox", mailbox.name}}, mailbox.*member);
}

void add_mailboxes(OpenMetrics& out, const Mailboxes& mailboxes) {
  out.family("mailmoor_mailbox_state", Type::kGauge, "1 for the state that the mailbox is in, 0 for the others.");
  for (const MailboxMetrics& mailbox : mailboxes)
    for (const MailboxState state : kStates)
      out.sample({{"mailbox", mailbox.name}, {"state", mailbox_state_name(state)}}, mailbox.state == state ? 1 : 0);
  out.family("mailmoor_last_sync_timestamp_seconds", Type::kGauge,
             "When all chosen folders were last brought up to date; absent before the first time.", "seconds");
  add_times(out, mailboxes, &MailboxMetrics::last_sync);
  out.family("mailmoor_messages_behind", Type::kGauge, "Messages known on the server that are not in the Maildir yet.");
  add_numbers(out, mailboxes, &MailboxMetrics::behind);
  out.family("mailmoor_token_expiry_timestamp_seconds", Type::kGauge,
             "When the access token ends; it is refreshed before. Absent without a token.", "seconds");
  add_times(out, mailboxes, &MailboxMetrics::token_expires_at);
  out.family("mailmoor_login_needed", Type::kGauge, "1 when somebody must sign in: mailmoorctl login.");
  for (const MailboxMetrics& mailbox : mailboxes)
    out.sample({{"mailbox", mailbox.name}}, mailbox.state == MailboxState::kNeedsLogin ? 1 : 0);
  out.family("mailmoor_throttled_until_timestamp_seconds", Type::kGauge,
             "Until when the server told us to wait; absent outside such a pause.", "seconds");
  add_times(out, mailboxes, &MailboxMetrics::throttled_until);
  out.family("mailmoor_messages_delivered", Type::kCounter, "Messages made durable in the Maildir.");
  add_numbers(out, mailboxes, &MailboxMetrics::delivered);
  out.family("mailmoor_bytes_received", Type::kCounter, "Octets of message bodies received from the server.");
  add_numbers(out, mailboxes, &MailboxMetrics::octets);
  out.family("mailmoor_poison_messages", Type::kGauge, "Messages that the server lists and does not hand out.");
  add_numbers(out, mailboxes, &MailboxMetrics::poison);
}

} // namespace

std::string to_open_metrics(const FleetMetrics& metrics) {
  OpenMetrics out;
  out.family("mailmoor_build", Type::kInfo, "The version of mailmoord.");
  out.sample({{"version", metrics.version}}, 1);
  add_mailboxes(out, metrics.mailboxes);
  out.family("mailmoor_errors", Type::kCounter,
             "Tries that failed, by what has to wait or act: the kind of the error.");
  for (const auto& [kind, count] : metrics.errors)
    out.sample({{"kind", kind}}, count);
  out.family("mailmoor_connections", Type::kGauge, "IMAP connections that are open or being opened.");
  out.sample({}, metrics.connections);
  out.histogram("mailmoor_loop_lag_seconds", metrics.loop_lag,
                "How long each turn of the event loop kept everything else waiting.", "seconds");
  return std::move(out).finish();
}

} // namespace mailmoor::control
