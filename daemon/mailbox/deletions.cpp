#include "mailbox/deletions.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "maildir/folder_changes.h"
#include "sync/planner.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::mailbox {
namespace {

void tell_held(const std::string& mailbox, const Folder& folder, const UidSet& held, std::uint64_t of_messages) {
  if (held.empty() || held == folder.recorded.held) return;
  log::write(log::Priority::kWarning,
             {.mailbox = mailbox, .folder = folder.name.utf8(), .catalog = &log::events::kDeletionHeld},
             concat(held.size(), " of the ", of_messages, " messages here are gone on the server",
                    folder.vanished ? ", which does not list the folder any more" : "",
                    ": they stay until you allow their removal; run: mailmoorctl confirm ", mailbox));
}

} // namespace

runtime::Task<Removal> remove_gone(const Services& services, const std::string& mailbox, const Folder& folder,
                                   GoneMessages gone) {
  Removal removal;
  if (gone.uids.empty()) co_return removal;
  auto counting = [&files = services.files, place = folder.place, validity = *folder.recorded.validity,
                   uids = gone.uids] { return maildir::count_files_blocking(files, place, validity, uids); };
  const Result<maildir::FileCount> count = co_await services.files_pool.run(std::move(counting));
  if (!count) {
    removal.error = count.error();
    co_return removal;
  }
  removal.removed = gone.uids.minus(count->present);
  UidSet going = count->present.intersect(gone.confirmed);
  const UidSet others = count->present.minus(going);
  if (!others.empty() && (gone.in_bulk || sync::needs_word(others.size(), count->ours)))
    removal.held = others;
  else
    going.insert(others);
  tell_held(mailbox, folder, removal.held, count->ours);
  if (going.empty()) co_return removal;

  auto moving = [&files = services.files, place = folder.place, validity = *folder.recorded.validity, going,
                 today = services.now()] { return maildir::trash_blocking(files, place, validity, going, today); };
  maildir::ChangeReport report = co_await services.files_pool.run(std::move(moving));
  removal.removed.insert(report.done);
  removal.error = std::move(report.error);
  if (report.files != 0)
    log::write(log::Priority::kNotice, {.mailbox = mailbox, .folder = folder.name.utf8(), .event = "removed"},
               concat(report.files, report.files == 1 ? " message is" : " messages are",
                      " gone on the server and now in the trash here for ", maildir::kTrashDays, " days"));
  co_return removal;
}

runtime::Task<Status> remove_vanished_folder(const Services& services, const std::string& mailbox, Folder& folder) {
  const sync::RecordedFolder& recorded = folder.recorded;
  // What is held stays so, without another look at the disk. A folder may have vanished after some of it was held.
  const bool waits = recorded.confirmed.empty() && recorded.known.minus(recorded.held).empty();
  if (!recorded.validity || recorded.known.empty() || waits) co_return Status();
  GoneMessages gone;
  gone.uids = recorded.known;
  gone.confirmed = recorded.confirmed;
  gone.in_bulk = true;
  auto removing = remove_gone(services, mailbox, folder, std::move(gone));
  Removal removal = co_await removing;
  sync::FolderFacts facts;
  facts.known_removed = removal.removed;
  if (!removal.error) {
    facts.confirmed = UidSet();
    facts.held = std::move(removal.held);
  }
  record(services, mailbox, folder, facts);
  if (removal.error) co_return std::unexpected(*std::move(removal.error));
  co_return Status();
}

} // namespace mailmoor::mailbox
