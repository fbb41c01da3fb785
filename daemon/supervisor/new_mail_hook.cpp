#include "supervisor/new_mail_hook.h"

#include <set>
#include <utility>

namespace mailmoor::supervisor {

void NewMailHook::look(const std::vector<std::string>& argv, const std::vector<Arrivals>& mailboxes) {
  std::set<std::string> seen;
  for (const Arrivals& mailbox : mailboxes) {
    seen.insert(mailbox.mailbox);
    std::shared_ptr<Told>& told = told_[mailbox.mailbox];
    if (told == nullptr) told = std::make_shared<Told>();
    if (argv.empty()) told->delivered = mailbox.delivered;
    if (mailbox.delivered <= told->delivered || mailbox.is_receiving || told->calling) continue;
    HookCall call;
    call.hook = "new_mail";
    call.subject = mailbox.mailbox;
    call.mailbox = mailbox.mailbox;
    call.argv = argv;
    call.facts = {{"event", "new_mail"},
                  {"mailbox", mailbox.mailbox},
                  {"maildir", mailbox.maildir},
                  {"messages", std::to_string(mailbox.delivered - told->delivered)}};
    call.on_end = [told] { told->calling = false; };
    if (!runner_.call(std::move(call))) continue;
    told->calling = true;
    told->delivered = mailbox.delivered;
  }
  std::erase_if(told_, [&seen](const auto& entry) { return !seen.contains(entry.first); });
}

} // namespace mailmoor::supervisor
