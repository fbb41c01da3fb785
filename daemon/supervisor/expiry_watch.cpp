#include "supervisor/expiry_watch.h"

#include "log/event_ids.h"
#include "runtime/wait.h"
#include "util/concat.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace mailmoor::supervisor {
namespace {

using std::chrono::days;

// Often enough that a clock that was set, or a machine that slept, is noticed the same day.
constexpr runtime::Duration kLook = std::chrono::hours(1);

// No mailbox can have this name.
[[nodiscard]] std::string row_of(const Expiring& expiring) {
  return concat("expiry ", expiring.app, " ", expiring.what);
}

[[nodiscard]] std::string day_of(UnixTime time) {
  return to_rfc3339(time).substr(0, 10);
}

[[nodiscard]] std::string message_of(const Expiring& expiring, UnixTime now) {
  const std::string_view what = expiring.what;
  if (expiring.ends_at <= now)
    return concat("the ", what, " of app ", expiring.app, " ended on ", day_of(expiring.ends_at),
                  "; make a new one, put it in its place and run: mailmoorctl reload");
  const auto left = std::chrono::ceil<days>(expiring.ends_at - now).count();
  return concat("the ", what, " of app ", expiring.app, " ends on ", day_of(expiring.ends_at), ", in ", left,
                left == 1 ? " day" : " days", "; make a new one, put it in its place and run: mailmoorctl reload");
}

} // namespace

std::vector<Expiring> expiring_credentials(const Prepared& prepared) {
  std::set<std::string_view> used;
  for (const config::Mailbox& mailbox : prepared.config.mailboxes)
    used.insert(mailbox.app);
  std::vector<Expiring> out;
  for (const config::App& app : prepared.config.apps) {
    if (!used.contains(app.name)) continue;
    if (app.client_secret_expires) out.push_back({app.name, "client_secret", *app.client_secret_expires});
    if (const auto found = prepared.certificates.find(app.name); found != prepared.certificates.end())
      out.push_back({app.name, "certificate", found->second->not_after});
  }
  return out;
}

ExpiryStage expiry_stage(UnixTime ends_at, UnixTime now) noexcept {
  if (now >= ends_at) return ExpiryStage::kOver;
  if (now >= ends_at - days(3)) return ExpiryStage::kDays;
  if (now >= ends_at - days(14)) return ExpiryStage::kFortnight;
  if (now >= ends_at - days(30)) return ExpiryStage::kMonth;
  return ExpiryStage::kFar;
}

void ExpiryWatch::watch(std::vector<Expiring> expiring) {
  runner_.cancel();
  watched_.clear();
  for (Expiring& one : expiring)
    watched_.push_back({std::move(one), ExpiryStage::kFar});
  if (!watched_.empty()) runner_.start(run(), [] {});
}

runtime::Task<void> ExpiryWatch::run() {
  for (Watched& watched : watched_) {
    auto job = [&state = services_.state, row = row_of(watched.expiring)] { return state.load_mailbox_blocking(row); };
    const Result<store::StoredMailbox> stored = co_await services_.store_thread.run(std::move(job));
    // Another end than then: another secret or certificate, of which nothing was said yet.
    if (stored && stored->record.retry_at == std::optional<store::UnixMillis>(watched.expiring.ends_at))
      watched.told = static_cast<ExpiryStage>(std::clamp(stored->record.failures, 0, 4));
  }
  while (true) {
    for (Watched& watched : watched_)
      tell(watched);
    co_await runtime::sleep_for(services_.loop, kLook);
  }
}

void ExpiryWatch::tell(Watched& watched) {
  const ExpiryStage stage = expiry_stage(watched.expiring.ends_at, services_.now());
  if (stage <= watched.told) return;
  watched.told = stage;
  const bool is_over = stage == ExpiryStage::kOver;
  log::Fields fields;
  fields.catalog = is_over ? &log::events::kCredentialExpired : &log::events::kCredentialExpires;
  writer_(is_over ? log::Priority::kErr : log::Priority::kWarning, fields,
          message_of(watched.expiring, services_.now()));
  remember(watched);
}

// The record of a mailbox that none is: `failures` is the stage, `retry_at` the end that it is about.
void ExpiryWatch::remember(const Watched& watched) {
  store::MailboxRecord record;
  record.failures = static_cast<int>(watched.told);
  record.retry_at = watched.expiring.ends_at;
  services_.store_thread.run_detached([&state = services_.state, row = row_of(watched.expiring), record] {
    const Status saved = state.save_mailbox_blocking(row, record);
    if (!saved)
      log::write(log::Priority::kErr, {.event = "state_not_recorded", .error = saved.error().code},
                 concat("that the end of a credential was told of could not be recorded: after a restart it is told "
                        "once more: ",
                        saved.error().what));
  });
}

} // namespace mailmoor::supervisor
