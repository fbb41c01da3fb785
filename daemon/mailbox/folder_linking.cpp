// What FolderSync does with messages that other folders of the mailbox have, too.
#include "imap/uid_batches.h"
#include "log/log.h"
#include "mailbox/folder_sync.h"
#include "util/concat.h"

#include <vector>

namespace mailmoor::mailbox {

// Before anything is fetched. False: left in between.
runtime::Task<Result<bool>> FolderSync::link_copies() {
  if (pass_->open().empty() || !copies_.can_tell()) co_return true;
  if (settings_.copies.others_settled) { // what came just now for another folder counts, too
    auto settling = settings_.copies.others_settled();
    co_await settling;
  }
  if (!copies_.is_worth_asking()) co_return true;
  std::uint64_t linked = 0;
  const std::vector<UidSet> questions = imap::split_for_commands(pass_->open(), FolderCopies::kQuestion);
  for (const UidSet& uids : questions) {
    if (should_leave_()) co_return false;
    if (!copies_.can_tell()) break; // no more
    auto linking = copies_.link(uids, pipe_->folder());
    const Result<FolderCopies::Linked> found = co_await linking;
    if (!found) co_return pass(found.error());
    settings_.alive();
    note(pass_->linked(found->delivered, found->flags));
    folder_.behind = pass_->behind();
    linked += found->delivered.size();
    services_.counters.mailboxes[settings_.mailbox].delivered += found->delivered.size();
    if (found->error) {
      folder_.scanned = false; // what a failed commit left is looked up before the next one
      co_return std::unexpected(*found->error);
    }
  }
  has_changed_files_ |= linked != 0;
  if (linked != 0)
    log::write(log::Priority::kInfo, {.mailbox = settings_.mailbox, .folder = folder_.name.utf8(), .event = "linked"},
               concat(linked, linked == 1 ? " message is" : " messages are",
                      " in another folder, too: linked, not fetched again"));
  co_return true;
}

// After the fetch: other folders are to find what is here.
runtime::Task<Status> FolderSync::identify_messages(UidSet fetched) {
  if (!copies_.can_tell() || should_leave_()) co_return Status();
  fetched.insert(folder_.recorded.known);
  auto identifying = copies_.identify(std::move(fetched), should_leave_);
  const Status identified = co_await identifying;
  co_return identified;
}

} // namespace mailmoor::mailbox
