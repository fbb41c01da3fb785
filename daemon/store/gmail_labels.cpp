#include "store/gmail_labels.h"

#include "store/state_rows.h"
#include "store/transaction.h"

#include <utility>

namespace mailmoor::store {

Result<std::vector<std::string>> load_gmail_labels_blocking(Database& database, std::string_view mailbox) {
  auto select = database.prepare_blocking(
      "SELECT label FROM gmail_label JOIN mailbox USING (mailbox_id) WHERE name = ? ORDER BY label");
  if (!select) return pass(std::move(select).error());
  select->bind_all(mailbox);
  std::vector<std::string> labels;
  for (;;) {
    const auto row = select->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return labels;
    labels.emplace_back(select->bytes(0));
  }
}

Status replace_gmail_labels_blocking(Database& database, std::string_view mailbox,
                                     const std::vector<std::string>& labels) {
  auto transaction = Transaction::begin_blocking(database, "labels");
  if (!transaction) return pass(std::move(transaction).error());
  if (auto done = ensure_mailbox_blocking(database, mailbox); !done) return done;
  auto erase = database.prepare_blocking(
      "DELETE FROM gmail_label WHERE mailbox_id = (SELECT mailbox_id FROM mailbox WHERE name = ?)");
  if (!erase) return pass(std::move(erase).error());
  if (auto done = erase->bind_all(mailbox).run_blocking(); !done) return done;
  auto insert = database.prepare_blocking("INSERT OR IGNORE INTO gmail_label (mailbox_id, label)"
                                          " SELECT mailbox_id, ?2 FROM mailbox WHERE name = ?1");
  if (!insert) return pass(std::move(insert).error());
  for (const std::string& label : labels)
    if (auto done = insert->bind_all(mailbox, Blob{label}).run_blocking(); !done) return done;
  return transaction->commit_blocking();
}

} // namespace mailmoor::store
