// What FolderSync does to the files of messages that were here before the pass.
#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/deletions.h"
#include "mailbox/folder_sync.h"
#include "maildir/folder_changes.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::mailbox {

runtime::Task<Status> FolderSync::apply_flags() {
  if (!pass_->has_flags()) co_return Status();
  auto loading = [&state = services_.state, mailbox = settings_.mailbox, name = folder_.name] {
    return state.load_flags_blocking(mailbox, name);
  };
  Result<FlagMap> base = co_await services_.store_thread.run(std::move(loading));
  if (!base) co_return pass(std::move(base).error());
  FlagMap differing = pass_->differing_flags(*base);
  if (differing.empty()) co_return Status();
  auto renaming = [&files = services_.files, place = folder_.place, validity = *folder_.recorded.validity,
                   differing = std::move(differing), base = *std::move(base)] {
    return maildir::reflag_blocking(files, place, validity, differing, base);
  };
  const maildir::ChangeReport report = co_await services_.files_pool.run(std::move(renaming));
  note(pass_->reflagged(report.done));
  has_changed_files_ |= report.files != 0;
  if (report.files != 0)
    log::write(log::Priority::kInfo,
               {.mailbox = settings_.mailbox, .folder = folder_.name.utf8(), .event = "reflagged"},
               concat(report.files, report.files == 1 ? " message has" : " messages have", " new flags"));
  if (report.error) co_return std::unexpected(*report.error);
  co_return Status();
}

runtime::Task<Status> FolderSync::apply_deletions() {
  if (!settings_.wants.deletions || !pass_->knows_gone()) co_return Status();
  GoneMessages gone;
  gone.uids = pass_->gone();
  gone.confirmed = pass_->confirmed();
  auto removing = remove_gone(services_, settings_.mailbox, folder_, std::move(gone));
  const Removal removal = co_await removing;
  note(pass_->removed(removal.removed));
  has_changed_files_ |= !removal.removed.empty();
  if (removal.error) co_return std::unexpected(*removal.error);
  note(pass_->hold(removal.held));
  co_return Status();
}

} // namespace mailmoor::mailbox
