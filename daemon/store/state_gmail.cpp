// What state.db knows of messages that are in several folders of a mailbox at once.
#include "store/gmail_messages.h"
#include "store/state_repository.h"
#include "store/state_rows.h"
#include "store/transaction.h"

#include <utility>

namespace mailmoor::store {

Result<std::vector<GmailCopy>> StateRepository::identify_blocking(std::string_view mailbox, const FolderName& folder,
                                                                  UidValidity validity,
                                                                  const std::vector<GmailMessage>& messages) {
  auto transaction = Transaction::begin_blocking(database_, "identify");
  if (!transaction) return pass(std::move(transaction).error());
  const auto row = find_folder_blocking(database_, mailbox, folder);
  if (!row) return pass(row.error());
  if (!*row || (*row)->uid_validity != validity) return std::vector<GmailCopy>();
  if (Status saved = save_gmail_blocking(database_, (*row)->folder_id, messages); !saved)
    return pass(std::move(saved).error());
  if (Status committed = transaction->commit_blocking(); !committed) return pass(std::move(committed).error());
  return find_gmail_copies_blocking(database_, (*row)->folder_id, messages);
}

Result<std::vector<GmailPair>> StateRepository::load_pairs_blocking(std::string_view mailbox, const FolderName& folder,
                                                                    const UidSet& uids) {
  const auto row = find_folder_blocking(database_, mailbox, folder);
  if (!row) return pass(row.error());
  if (!*row) return std::vector<GmailPair>();
  return load_gmail_pairs_blocking(database_, (*row)->folder_id, uids);
}

Result<UidSet> StateRepository::load_identified_blocking(std::string_view mailbox, const FolderName& folder) {
  const auto row = find_folder_blocking(database_, mailbox, folder);
  if (!row) return pass(row.error());
  return *row ? load_gmail_uids_blocking(database_, (*row)->folder_id) : UidSet();
}

Status StateRepository::forget_copies_blocking(std::string_view mailbox, const FolderName& folder, const UidSet& uids) {
  auto transaction = Transaction::begin_blocking(database_, "forget copies");
  if (!transaction) return pass(std::move(transaction).error());
  const auto row = find_folder_blocking(database_, mailbox, folder);
  if (!row) return pass(row.error());
  if (!*row) return {};
  if (Status erased = erase_gmail_copies_blocking(database_, (*row)->folder_id, uids); !erased) return erased;
  return transaction->commit_blocking();
}

} // namespace mailmoor::store
