// One folder of a mailbox as the mailbox remembers it: what was delivered, where it lives, how it fared.
#pragma once

#include "mailbox/services.h"
#include "maildir/delivery.h"
#include "model/folder_name.h"
#include "sync/folder_pass.h"
#include "sync/planner.h"
#include "sync/renumbering.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace mailmoor::mailbox {

// Messages of a folder that are looked at: far above any. A server that goes on for ever is not listened to any longer.
inline constexpr std::size_t kMaxRows = 8'000'000;

struct Folder {
  explicit Folder(FolderName name_in) : name(std::move(name_in)) {}

  FolderName name;
  bool chosen = false;
  std::string why;          // it is or is not chosen
  std::string renamed_from; // UTF-8; in this run, by the server
  maildir::FolderPlace place;
  sync::RecordedFolder recorded;
  // Where `recorded.known` was delivered to. Another place holds none of it until a scan has said so.
  std::string recorded_directory;
  bool scanned = false;     // the Maildir was read in this run, and is durable: `recorded.known` holds what is there
  std::uint64_t behind = 0; // messages of the server that are not here yet
  bool vanished = false;    // the server does not list it any more
  FolderState looked_at;    // as of the last pass, carried to its end or not
  std::optional<UnixTime> last_sync;
  // Some of `recorded` could not be written. shared_ptr: set by jobs of the store thread, which may outlive the folder.
  std::shared_ptr<std::atomic<bool>> facts_lost = std::make_shared<std::atomic<bool>>(false);
  // What the log was told of messages that do not come: UID → why. Kept by tell_poison().
  std::map<Uid, std::string> told_poison;
  std::optional<UidValidity> told_validity;
  sync::Renumberings renumberings;
  // Of which messages it is known, in state.db, which of the mailbox they are (Gmail), or that nobody can tell.
  struct Identified {
    std::optional<UidValidity> validity; // empty: not looked up in this run
    UidSet uids;
  } identified;
  std::string hidden_why;      // Gmail has such a label and shows no folder for it
  unsigned rematches_lost = 0; // in a row, in this run: the connection went while files were matched
};

// The absolute directory of a place.
[[nodiscard]] std::string directory_of(const maildir::FolderPlace& place);

// From and to the state database. Facts go to the store thread in order and are not waited for: after a crash the
// Maildir itself says what is there.
[[nodiscard]] Folder folder_from(const store::StoredFolder& stored);
void record_renumberings(const Services& services, const std::string& mailbox, const Folder& folder);
void record(const Services& services, const std::string& mailbox, Folder& folder, const sync::FolderFacts& facts);
// Writes all that is known of the folder where a write has failed: a full disk is no reason to forget what a reader
// deleted. Called at each pass. The base of the flags is not among it: a flag that either side has is then set.
void record_what_was_lost(const Services& services, const std::string& mailbox, const Folder& folder);

} // namespace mailmoor::mailbox
