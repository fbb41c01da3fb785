// The part of a mailbox's life that concerns messages which the server has no more: what is held, the operator's word,
// the trash.
#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/deletions.h"
#include "mailbox/mailbox.h"
#include "maildir/folder_changes.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::mailbox {

void Mailbox::move_to_rest() {
  if (!held_reason().empty()) return move_to(MailboxState::kHeld);
  move_to(budget_pause() ? MailboxState::kThrottled : MailboxState::kIdle);
}

std::string Mailbox::held_reason() const {
  if (!settings_.wants.deletions) return {};
  std::uint64_t messages = 0;
  std::size_t folders = 0;
  const Folder* first = nullptr;
  for (const auto& [wire, folder] : folders_) {
    if (folder.recorded.held.empty()) continue;
    if (folders++ == 0) first = &folder;
    messages += folder.recorded.held.size();
  }
  if (first == nullptr) return {};
  return concat(messages, messages == 1 ? " message of " : " messages of ", first->name.utf8(),
                folders > 1 ? concat(" and ", folders - 1, folders == 2 ? " other folder" : " other folders") : "",
                " are gone on the server; their removal here waits for your word");
}

bool Mailbox::confirm() {
  bool any = false;
  for (auto& [wire, folder] : folders_) {
    if (folder.recorded.held.empty()) continue;
    any = true;
    sync::FolderFacts facts;
    facts.confirmed = folder.recorded.held;
    facts.confirmed->insert(folder.recorded.confirmed);
    facts.held = UidSet();
    log::write(log::Priority::kNotice, {.mailbox = settings_.name, .folder = folder.name.utf8(), .event = "confirmed"},
               concat("the operator allows the removal of ", facts.confirmed->size(), " messages"));
    record(services_, settings_.name, folder, facts);
  }
  if (!any) return false;
  sync_wanted_ = true;
  poke();
  return true;
}

// After the folders of a pass.
runtime::Task<void> Mailbox::tidy() {
  if (!settings_.wants.deletions) co_return;
  std::vector<std::string> wires;
  for (const auto& [wire, folder] : folders_)
    if (folder.vanished) wires.push_back(wire);
  for (const std::string& wire : wires) {
    auto removing = remove_vanished(folders_.at(wire));
    co_await removing;
  }
  auto job = [&files = services_.files, maildir = settings_.maildir, now = services_.now()] {
    return maildir::empty_trash_blocking(files, maildir, now);
  };
  const Result<std::uint64_t> emptied = co_await services_.files_pool.run(std::move(job));
  if (emptied && *emptied == 0) co_return;
  if (emptied)
    log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = "trash_emptied"},
               concat("removed from the trash what has been there for ", maildir::kTrashDays, " days"));
  else
    services_.faults.raise(log::Priority::kWarning,
                           {.mailbox = settings_.name,
                            .folder = std::string(maildir::kTrashName),
                            .error = emptied.error().code,
                            .catalog = &log::events::kMaildirFailed},
                           concat("the trash could not be emptied: ", emptied.error().what), services_.now());
}

runtime::Task<void> Mailbox::remove_vanished(Folder& folder) {
  const std::string& directory = folder.recorded_directory;
  const std::string root = settings_.maildir + "/";
  // It may have been delivered to another Maildir than the present one, which is no business of ours.
  if (directory != settings_.maildir && !directory.starts_with(root)) co_return;
  folder.place.mailbox_directory = settings_.maildir;
  folder.place.folder_directory = directory == settings_.maildir ? "" : directory.substr(root.size());
  folder.place.layout = settings_.layout;
  folder.place.server_name = folder.name.wire();
  auto removing = remove_vanished_folder(services_, settings_.name, folder);
  const Status removed = co_await removing;
  if (!removed) take_folder_fault(folder, removed.error());
}

void Mailbox::take_folder_fault(const Folder& folder, const Error& error) {
  folder_faults_ = true;
  services_.counters.count(error);
  services_.faults.raise(log::Priority::kWarning,
                         {.mailbox = settings_.name,
                          .folder = folder.name.utf8(),
                          .error = error.code,
                          .catalog = &log::events::kFolderFailed},
                         concat("this folder was not synced, the others are: ", error.what), services_.now());
}

} // namespace mailmoor::mailbox
