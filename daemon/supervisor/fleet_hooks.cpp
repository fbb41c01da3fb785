// What the hooks are told of the fleet.
#include "supervisor/fleet.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace mailmoor::supervisor {
namespace {

// Of what keeps a mailbox from its token, what a person must put right at the provider before anyone can sign in.
constexpr std::array<std::string_view, 3> kSignInFaults = {"account_blocked", "app_misconfigured", "consent_needed"};

[[nodiscard]] HookSubject::State hook_state(const mailbox::Mailbox& life) {
  const MailboxState state = life.state();
  const auto& error = life.last_error();
  if (state == MailboxState::kNeedsLogin && error) return HookSubject::State::kNeedsSomeone;
  if (state == MailboxState::kFailed && error && error->kind == ErrorKind::kOperator &&
      std::ranges::find(kSignInFaults, error->code) != kSignInFaults.end())
    return HookSubject::State::kNeedsSomeone;
  const bool is_well = state == MailboxState::kIdle || (state == MailboxState::kSyncing && !error);
  return is_well ? HookSubject::State::kFine : HookSubject::State::kUnknown;
}

// The command that mends it, as it can be typed.
[[nodiscard]] std::string command_for(const config::Mailbox& mailbox, const config::App* app,
                                      const std::string& runtime_dir) {
  std::string command = "mailmoorctl";
  if (runtime_dir != "/run/mailmoor") command += concat(" --socket ", runtime_dir, "/control.sock");
  const bool by_app_alone = app != nullptr && app->grant != config::Grant::kDelegated;
  if (by_app_alone || mailbox.password.is_set()) return concat(command, " doctor ", mailbox.name);
  return concat(command, mailbox.uses_oauth() ? " login " : " password ", mailbox.name);
}

} // namespace

void Fleet::look_after_hooks() {
  std::vector<HookSubject> subjects;
  for (const auto& [name, slot] : slots_) {
    HookSubject& subject = subjects.emplace_back();
    subject.key = concat("mailbox ", name);
    subject.mailbox = name;
    subject.state = hook_state(*slot.life);
    if (subject.state != HookSubject::State::kNeedsSomeone) continue;
    const mailbox::MailboxView view = slot.life->view();
    subject.code = slot.life->last_error()->code;
    subject.facts = {{"event", "login_needed"},
                     {"mailbox", name},
                     {"user", slot.config.user},
                     {"app", slot.config.app},
                     {"state", std::string(mailbox_state_name(view.state))},
                     {"error", subject.code},
                     {"reason", printable(view.reason)},
                     {"remedy", printable(view.remedy)},
                     {"command", command_for(slot.config, prepared_.config.find_app(slot.config.app),
                                             prepared_.config.runtime_dir)}};
  }
  for (const auto& [name, app] : apps_) {
    HookSubject& subject = subjects.emplace_back();
    subject.key = concat("app ", name);
    const auto fault = app.client->gate().fault();
    if (!fault) {
      if (app.client->gate().is_known_to_serve()) subject.state = HookSubject::State::kFine;
      continue;
    }
    subject.state = HookSubject::State::kNeedsSomeone;
    subject.code = fault->code;
    subject.facts = {{"event", "app_refused"},
                     {"app", name},
                     {"mailboxes", std::to_string(describe(name, app).mailboxes)},
                     {"error", fault->code},
                     {"reason", printable(fault->what)},
                     {"remedy", printable(fault->remedy)}};
  }
  login_hook_.look(prepared_.config.hooks.login_needed, std::move(subjects));

  std::vector<Arrivals> arrivals;
  for (const auto& [name, slot] : slots_) {
    const auto counted = services_.counters.mailboxes.find(name);
    const std::uint64_t delivered = counted == services_.counters.mailboxes.end() ? 0 : counted->second.delivered;
    arrivals.push_back({name, slot.config.maildir, delivered, slot.life->state() == MailboxState::kSyncing});
  }
  new_mail_hook_.look(prepared_.config.hooks.new_mail, arrivals);
}

} // namespace mailmoor::supervisor
