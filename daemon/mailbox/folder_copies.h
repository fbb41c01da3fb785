// Finds messages of a folder in the other folders of its mailbox, and links them there instead of fetching them: where
// the server tells which message a UID names (Gmail's X-GM-MSGID), each body comes once.
// What goes wrong here costs a download and nothing else, unless it would stop one, too.
// Lives for one pass over one folder, within FolderSync. Loop thread only.
#pragma once

#include "mailbox/committer.h"
#include "mailbox/connection.h"
#include "mailbox/folder_record.h"
#include "mailbox/services.h"
#include "maildir/linking.h"
#include "model/flag_map.h"
#include "model/gmail.h"
#include "model/uid_set.h"
#include "runtime/task.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::mailbox {

struct CopySettings {
  const std::map<std::string, Folder>* folders = nullptr; // of the mailbox, by wire name; null: nothing is shared
  // Returns when what was received of other folders is on the disk and recorded.
  std::function<runtime::Task<void>()> others_settled;
  // Told the labels of each message asked about; empty: they are not asked for.
  std::function<void(const std::vector<std::string>&)> on_labels;
};

class FolderCopies final {
 public:
  // Messages of one question: some 130 kB of answer.
  static constexpr std::uint64_t kQuestion = 1000;

  FolderCopies(const Services& services, Connection& connection, Folder& folder, std::string mailbox,
               CopySettings settings)
      : services_(services), connection_(connection), folder_(folder), mailbox_(std::move(mailbox)),
        settings_(std::move(settings)) {}
  FolderCopies(const FolderCopies&) = delete;
  FolderCopies& operator=(const FolderCopies&) = delete;

  // Whether the server tells which messages are the same.
  [[nodiscard]] bool can_tell() const;
  // And whether another folder has any, or their labels are wanted: else nothing is to be asked before a fetch.
  [[nodiscard]] bool is_worth_asking() const;

  struct Linked {
    UidSet delivered;           // linked, and durable
    FlagMap flags;              // of those and of others
    std::optional<Error> error; // of the disk; the pass cannot go on
  };
  // REQUIRES: can_tell(); nothing of the folder is being received; at most kQuestion messages, not recorded as
  // delivered.
  [[nodiscard]] runtime::Task<Result<Linked>> link(UidSet uids, Committer::SharedFolder here);
  // Records which messages these are, where that is not known yet, so that they are found from other folders.
  [[nodiscard]] runtime::Task<Status> identify(UidSet uids, const std::function<bool()>& should_leave);

 private:
  // A message as the server describes it.
  struct Row {
    GmailMessage message;
    FlagLetters letters;
    maildir::Twin twin; // its `there` is to be filled in
  };
  using Rows = std::map<Uid, Row>;
  using Copies = std::map<GmailId, std::vector<GmailCopy>>; // not tried yet, by message

  [[nodiscard]] runtime::Task<UidSet> worth_asking(UidSet uids);
  [[nodiscard]] runtime::Task<Result<Rows>> ask(UidSet uids);
  void take_row(const imap::Fetched& fetched, const UidSet& uids, Rows& rows) const;
  [[nodiscard]] runtime::Task<Copies> find(const std::vector<GmailMessage>& messages);
  [[nodiscard]] runtime::Task<void> settle_others();
  [[nodiscard]] runtime::Task<void> remember(UidValidity validity);
  [[nodiscard]] const Folder* folder_of(const GmailCopy& copy) const;
  [[nodiscard]] static bool is_delivered(const Folder* folder, const GmailCopy& copy);
  [[nodiscard]] std::map<const Folder*, std::vector<maildir::Twin>> next_tries(const Rows& rows, Copies& copies,
                                                                               const UidSet& done) const;
  void tell_not_recorded(const Error& error) const;

  const Services& services_;
  Connection& connection_;
  Folder& folder_;
  std::string mailbox_;
  CopySettings settings_;
};

} // namespace mailmoor::mailbox
