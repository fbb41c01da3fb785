// state.db: what was delivered, what is to be tried again and when. A cache of facts that the Maildir and the server
// can tell again: it may be deleted at any time while the daemon is down (WAL, synchronous=NORMAL).
// Owned by the store thread; blocking; one process at a time.
#pragma once

#include "model/downloads.h"
#include "model/flag_map.h"
#include "model/folder_name.h"
#include "model/folder_state.h"
#include "model/gmail.h"
#include "model/left_out.h"
#include "model/uid.h"
#include "model/uid_set.h"
#include "store/database.h"
#include "util/result.h"
#include "util/time_text.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::store {

// Wall-clock time in milliseconds, UTC: an imposed pause is obeyed to the millisecond across restarts (P9).
using UnixMillis = std::chrono::sys_time<std::chrono::milliseconds>;

struct MailboxRecord {
  // Faults in a row: of those that pass by themselves, of those that a person has to mend, and of "over_quota".
  int failures = 0;
  int failures_for_someone = 0;
  int times_over_quota = 0;
  std::optional<UnixMillis> retry_at;
  bool retry_imposed = false; // the server said so: no request before retry_at
  std::string retry_reason;   // for people; no secrets; cut at StateRepository::kMaxText bytes
  std::string error_code;     // Error::code of the last failure; empty: none
  std::optional<UnixTime> last_sync;
  bool paused = false; // by the operator

  friend bool operator==(const MailboxRecord&, const MailboxRecord&) = default;
};

struct FolderRecord {
  FolderName name;
  std::optional<UidValidity> uid_validity; // that `known` was recorded under
  FolderState last_state;                  // as of the last complete pass
  UidSet known;                            // delivered, and recorded as such
  std::optional<UnixTime> last_sync;
  std::string directory{};                  // absolute; where `known` was delivered to
  std::optional<UnixTime> listed_in_full{}; // when every UID was last listed
  std::uint8_t covers = 0;                  // what last_state answers for: bits of kCovers…
  UidSet held{};                            // deletions that wait for the operator's word
  UidSet confirmed{};                       // those that have it
  LeftOut left_out{};                       // by the filters
  // Read only: save_renumberings_blocking() writes them.
  std::uint32_t renumberings = 0;
  std::optional<UnixTime> renumbered_at{};

  friend bool operator==(const FolderRecord&, const FolderRecord&) = default;
};

struct RetryRecord {
  Uid uid;
  int strikes = 0; // failed attempts
  UnixTime next_try{};
  std::string reason; // for people; cut at StateRepository::kMaxText bytes

  friend bool operator==(const RetryRecord&, const RetryRecord&) = default;
};

struct StoredFolder {
  FolderRecord record;
  std::vector<RetryRecord> retries; // ascending by UID
};

struct StoredMailbox {
  MailboxRecord record; // the default one for a mailbox that was never saved
  std::vector<StoredFolder> folders;
  Downloads downloads{};
  std::vector<std::string> gmail_labels{}; // see save_gmail_labels_blocking()
};

// A message in a folder, and where else it is.
struct GmailPair {
  Uid uid;
  GmailCopy copy;
  friend bool operator==(const GmailPair&, const GmailPair&) = default;
};

inline constexpr std::uint8_t kCoversFlags = 1; // persisted: never renumbered
inline constexpr std::uint8_t kCoversDeletions = 2;

// The end of a pass.
struct FolderOutcome {
  FolderState state;
  std::uint8_t covers = 0;
  std::optional<UnixTime> listed_in_full; // empty: as it was
  UnixTime last_sync{};
};

class StateRepository final {
 public:
  static constexpr std::size_t kMaxText = 1000;       // bytes of a reason
  static constexpr std::size_t kMaxFolderName = 4096; // bytes on the wire; longer: kFolder "folder_name_too_long"
  static constexpr int kMaxCopies = 100;              // of one message that identify_blocking() tells of
  static constexpr std::size_t kMaxRetriesPerFolder = 10'000; // more: kFolder "too_many_retries"

  struct Opened;
  // Opens or makes the database at `path` with mode 0600. A corrupt one is renamed to "<path>.corrupt-<now>" and a new
  // one made; Opened says so. kOperator "database_too_new" leaves every file as it was.
  [[nodiscard]] static Result<Opened> open_blocking(const std::string& path, UnixTime now);

  [[nodiscard]] Result<StoredMailbox> load_mailbox_blocking(std::string_view mailbox);
  // Sorted names of all that was ever saved and not forgotten.
  [[nodiscard]] Result<std::vector<std::string>> list_mailboxes_blocking();
  [[nodiscard]] Status save_mailbox_blocking(std::string_view mailbox, const MailboxRecord& record);
  [[nodiscard]] Status save_downloads_blocking(std::string_view mailbox, const Downloads& downloads);
  // Of a Gmail mailbox, those that it does not show over IMAP, as on the wire: all of them, instead of those before.
  [[nodiscard]] Status save_gmail_labels_blocking(std::string_view mailbox, const std::vector<std::string>& labels);
  [[nodiscard]] Status forget_mailbox_blocking(std::string_view mailbox);

  // Replaces all that is known of the folder, its known set included; writes only what differs. A changed
  // uid_validity drops the folder's retries. The mailbox need not have been saved before (nor below).
  [[nodiscard]] Status save_folder_blocking(std::string_view mailbox, const FolderRecord& record);
  // The same for the outcome of a pass only: the known set, its uid_validity and the retries stay.
  [[nodiscard]] Status save_outcome_blocking(std::string_view mailbox, const FolderName& folder,
                                             const FolderOutcome& outcome);
  // Adds to the known set and takes these UIDs off the retry list; costs by the ranges added, not by those known.
  // kFolder "uid_validity_mismatch", nothing written, when the known set was recorded under another one.
  [[nodiscard]] Status add_delivered_blocking(std::string_view mailbox, const FolderName& folder, UidValidity validity,
                                              const UidSet& delivered);
  // Takes these UIDs out of the known set and drops their base flags and Gmail's numbers of them.
  [[nodiscard]] Status remove_delivered_blocking(std::string_view mailbox, const FolderName& folder,
                                                 const UidSet& removed);
  // Replaces the sets that are given.
  [[nodiscard]] Status save_held_blocking(std::string_view mailbox, const FolderName& folder,
                                          const std::optional<UidSet>& held, const std::optional<UidSet>& confirmed);
  // Replaces it. `reopen`: in the same transaction, no pass counts as complete any more.
  [[nodiscard]] Status save_left_out_blocking(std::string_view mailbox, const FolderName& folder,
                                              const LeftOut& left_out, bool reopen);
  // The flags that server and file were last brought to agree on. Large: load it for one folder at a time.
  [[nodiscard]] Result<FlagMap> load_flags_blocking(std::string_view mailbox, const FolderName& folder);
  [[nodiscard]] Status set_flags_blocking(std::string_view mailbox, const FolderName& folder, const FlagMap& set);

  // Records Gmail's numbers of these messages, and says where else in the mailbox the same messages are recorded to
  // be, delivered or not. Nothing is recorded, and nothing found, when the folder is recorded under another
  // UIDVALIDITY.
  [[nodiscard]] Result<std::vector<GmailCopy>> identify_blocking(std::string_view mailbox, const FolderName& folder,
                                                                 UidValidity validity,
                                                                 const std::vector<GmailMessage>& messages);
  // Where else those of these messages are recorded to be of which the number is recorded.
  [[nodiscard]] Result<std::vector<GmailPair>> load_pairs_blocking(std::string_view mailbox, const FolderName& folder,
                                                                   const UidSet& uids);
  // Those of which the number is recorded.
  [[nodiscard]] Result<UidSet> load_identified_blocking(std::string_view mailbox, const FolderName& folder);
  // The numbers of these messages, in all folders of the mailbox: no copy of them is found any more.
  [[nodiscard]] Status forget_copies_blocking(std::string_view mailbox, const FolderName& folder, const UidSet& uids);

  // How often the server has numbered the folder anew, and when it last did.
  [[nodiscard]] Status save_renumberings_blocking(std::string_view mailbox, const FolderName& folder,
                                                  std::uint32_t count, UnixTime last);

  // All that is recorded of `from` is `to`'s from now on; what `to` had is forgotten. Nothing when there is no `from`.
  [[nodiscard]] Status rename_folder_blocking(std::string_view mailbox, const FolderName& from, const FolderName& to,
                                              std::string_view directory);
  [[nodiscard]] Status forget_folder_blocking(std::string_view mailbox, const FolderName& folder);

  [[nodiscard]] Status save_retry_blocking(std::string_view mailbox, const FolderName& folder,
                                           const RetryRecord& retry);
  [[nodiscard]] Status erase_retry_blocking(std::string_view mailbox, const FolderName& folder, Uid uid);

 private:
  explicit StateRepository(Database database) : database_(std::move(database)) {}

  Database database_;
};

struct StateRepository::Opened {
  StateRepository repository;
  std::string set_aside; // path that a corrupt database was renamed to; empty: none. A warning for the log.
};

} // namespace mailmoor::store
