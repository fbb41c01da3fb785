#include "config/completion.h"

#include "config/nearest.h"
#include "config/providers.h"
#include "util/ascii.h"
#include "util/concat.h"
#include "util/printable.h"

#include <map>
#include <unordered_map>

namespace mailmoor::config {
namespace {

using AppsByName = std::map<std::string_view, const App*>;

void report_missing_app(const MailboxDraft& draft, const AppsByName& apps) {
  const std::string what = concat("\"app\": there is no app \"", draft.mailbox.app, "\"");
  std::vector<std::string_view> names;
  for (const auto& [name, app] : apps)
    names.push_back(name);
  if (const auto meant = nearest(draft.mailbox.app, names)) {
    draft.app.error(concat(what, ": did you mean \"", *meant, "\"?"));
  } else {
    draft.app.error(concat(what, ": add it to \"apps:\""));
  }
}

void complete_server(MailboxDraft& draft, const AppsByName& apps) {
  Mailbox& mailbox = draft.mailbox;
  const auto app = apps.find(mailbox.app);
  if (!mailbox.app.empty() && app == apps.end()) return report_missing_app(draft, apps);
  if (mailbox.host.empty() && app != apps.end()) mailbox.host = app->second->imap_host;
  const bool is_reported = draft.host.is_set() || (draft.app.is_set() && mailbox.app.empty());
  if (mailbox.host.empty() && !is_reported)
    draft.place.error(concat("mailbox \"", mailbox.name, "\" has no \"host\": the IMAP server's name",
                             mailbox.app.empty() ? ", or an \"app\" whose provider knows it" : ""));
  const bool is_gmail = (app != apps.end() && app->second->provider == Provider::kGoogle) || mailbox.host == kGmailHost;
  mailbox.daily_bytes = draft.daily_bytes.value_or(is_gmail ? kGmailDailyBytes : 0);
  mailbox.port = draft.port.value_or(mailbox.tls == Tls::kImplicit ? 993 : 143);
}

void complete_user(MailboxDraft& draft, const AppsByName& apps) {
  Mailbox& mailbox = draft.mailbox;
  if (!draft.user.is_set())
    draft.place.error(
        concat("mailbox \"", mailbox.name, "\" has no \"user\": whose mail it is, such as alice@example.org"));
  if (draft.login_user.is_set() && !draft.app.is_set())
    draft.login_user.error("\"login_user\" without \"app\" is not supported yet");
  const auto app = apps.find(mailbox.app);
  const Grant grant = app == apps.end() ? Grant::kDelegated : app->second->grant;
  if (draft.login_user.is_set() && grant != Grant::kDelegated)
    draft.login_user.error(concat("\"login_user\": nobody signs in with app \"", mailbox.app,
                                  "\", whose grant needs no person; take it out, \"user\" names the mailbox"));
  if (grant == Grant::kServiceAccount && draft.user.is_set() && !mailbox.user.empty() && !mailbox.user.contains('@'))
    draft.user.error("\"user\": a service account asks for a user's token by address; write one like "
                     "alice@example.org");
  if (mailbox.login_user.empty()) mailbox.login_user = mailbox.user;
}

void complete_maildir(MailboxDraft& draft, const Globals& globals) {
  Mailbox& mailbox = draft.mailbox;
  if (draft.maildir.is_set()) {
    if (mailbox.maildir == "/") draft.maildir.error("\"maildir\": not the root of the file system; write a directory");
  } else if (!globals.root_is_given) {
    draft.place.error(concat("there is no place for mailbox \"", mailbox.name,
                             "\": write \"maildir_root: /var/mail/mailmoor\" at the top, or a \"maildir:\" here"));
  } else if (!globals.maildir_root.empty()) {
    mailbox.maildir = concat(globals.maildir_root == "/" ? "" : globals.maildir_root, "/", mailbox.name);
  }
}

// One name, one Maildir, and no Maildir inside of another: its folders would show up there.
class Uniqueness final {
 public:
  void check_name(const MailboxDraft& draft) {
    // Two that differ in case only would meet in one directory on some file systems.
    const auto [first, is_new] = names_.emplace(to_lower_ascii(draft.mailbox.name), draft.name);
    if (!is_new)
      draft.name.error(concat("\"name\": \"", draft.mailbox.name, "\" is taken, whatever the case, at ",
                              first->second.where(), "; choose another"));
  }
  void add_maildir(const MailboxDraft& draft) {
    const auto [first, is_new] = maildirs_.emplace(draft.mailbox.maildir, &draft);
    if (!is_new)
      place_of(draft).error(concat(printable(draft.mailbox.maildir), " is the Maildir of mailbox \"",
                                   first->second->mailbox.name, "\" already; write another \"maildir:\""));
  }
  // After all were added.
  void check_nesting(const MailboxDraft& draft) const {
    std::string_view path = draft.mailbox.maildir;
    while ((path = path.substr(0, path.rfind('/'))).size() > 1) {
      const auto outer = maildirs_.find(path);
      if (outer == maildirs_.end()) continue;
      return place_of(draft).error(concat(printable(draft.mailbox.maildir), " lies in the Maildir of mailbox \"",
                                          outer->second->mailbox.name, "\"; write another \"maildir:\""));
    }
  }

 private:
  [[nodiscard]] static Place place_of(const MailboxDraft& draft) {
    return draft.maildir.is_set() ? draft.maildir : draft.name;
  }

  std::unordered_map<std::string, Place> names_;
  std::unordered_map<std::string_view, const MailboxDraft*> maildirs_;
};

} // namespace

std::vector<Mailbox> complete(std::vector<MailboxDraft> drafts, const std::vector<App>& apps, const Globals& globals) {
  AppsByName apps_by_name;
  for (const App& app : apps)
    apps_by_name.emplace(app.name, &app);
  Uniqueness uniqueness;
  for (MailboxDraft& draft : drafts) {
    if (!draft.name.is_set()) continue; // reported
    if (!draft.name.source->has_room()) break;
    complete_server(draft, apps_by_name);
    complete_user(draft, apps_by_name);
    complete_maildir(draft, globals);
    draft.mailbox.proxy = draft.proxy.value_or(globals.proxy);
    uniqueness.check_name(draft);
    if (!draft.mailbox.maildir.empty()) uniqueness.add_maildir(draft);
  }
  std::vector<Mailbox> out;
  out.reserve(drafts.size());
  for (const MailboxDraft& draft : drafts)
    if (draft.name.is_set() && !draft.mailbox.maildir.empty()) uniqueness.check_nesting(draft);
  for (MailboxDraft& draft : drafts)
    out.push_back(std::move(draft.mailbox));
  return out;
}

} // namespace mailmoor::config
