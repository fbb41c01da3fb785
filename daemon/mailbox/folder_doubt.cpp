// What FolderSync asks after it has fetched: whether the messages that did not come are still there. Between a listing
// and a FETCH anybody may delete a message, and then nothing is wrong (RFC 9051 §7.5.1, RFC 2180 §4.1).
#include "imap/uid_batches.h"
#include "mailbox/folder_sync.h"
#include "mailbox/server_words.h"

#include <utility>
#include <variant>

namespace mailmoor::mailbox {

runtime::Task<Status> FolderSync::look_for_struck() {
  const UidSet doubted = pass_->doubted();
  UidSet there;
  for (const UidSet& uids : imap::split_for_commands(doubted, 1000)) {
    auto listen = [&there, &uids](imap::Event& event) {
      const auto* row = std::get_if<imap::Fetched>(&event);
      if (row != nullptr && row->uid && row->flags && uids.contains(*row->uid)) there.insert(*row->uid);
    };
    auto asking = connection_.complete(connection_.session().uid_fetch_flags(uids), std::move(listen));
    const Result<imap::Completed> completed = co_await asking;
    if (!completed) co_return pass(completed.error());
    // Where it does not tell, they are taken to be there.
    if (completed->status != imap::CompletionStatus::kOk) there.insert(uids);
  }
  note(pass_->seen_again(there));
  co_return Status();
}

} // namespace mailmoor::mailbox
