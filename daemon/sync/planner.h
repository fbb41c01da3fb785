// What a folder needs: the record of it here against what the server says now. Pure functions.
//
// The known set is a set, not a watermark: a UID that did not come is in it no more than one never seen, and its
// neighbours do not wait for it. No answer of these functions deletes anything.
#pragma once

#include "model/folder_state.h"
#include "model/uid_set.h"
#include "sync/retry.h"
#include "util/time_text.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::sync {

struct RecordedFolder {
  std::optional<UidValidity> validity; // of `known` and `retries`; empty: there is no record of this folder
  UidSet known;                        // delivered once; a reader may have deleted some since
  RetryRecords retries;                // disjoint from `known`
  // The server's at the start of the last pass that was carried to its end, see state_to_record().
  std::optional<FolderState> state;
  std::optional<UnixTime> listed_in_full; // when 1:* was last listed
};

struct FolderPlan {
  enum class Action {
    kNothing,   // nothing new, nothing due; no EXAMINE needed
    kRetry,     // only `due`
    kList,      // UID FETCH list_from:* (UID …), then what is missing, then `due`
    kStartOver, // no record, or of another UIDVALIDITY: forget it, scan the Maildir for the new one, then plan again
    kRefuse,    // the server keeps no UIDs: the folder cannot be mirrored
  };
  Action action = Action::kNothing;
  std::optional<Uid> list_from; // kList only; 1: the full listing
  UidSet due;                   // to be asked for one at a time
  std::string why;              // for the log, e.g. "UIDNEXT 10 -> 12"; never empty

  [[nodiscard]] bool lists_in_full() const noexcept { return list_from && list_from->value() == 1; }
};

// `server_now`: from STATUS, LIST-STATUS or EXAMINE. A folder whose UIDNEXT and MESSAGES are as recorded has nothing
// new; where UIDNEXT is not told, HIGHESTMODSEQ and MESSAGES decide. Every kFullListing everything is listed anyway.
[[nodiscard]] FolderPlan plan_folder(const RecordedFolder& recorded, const FolderState& server_now, UnixTime now);

inline constexpr std::chrono::hours kFullListing{24};

// The rows of a listing that count: "n:*" also returns the last message when it is below n (RFC 9051 §6.4.8).
[[nodiscard]] UidSet rows_from(Uid list_from, const UidSet& rows);

// Whether EXISTS promised more messages than the listing showed (`rows` after rows_from()): Exchange announces a
// message before it can list it. `exists` as of the moment when the listing was asked for.
[[nodiscard]] bool is_short(const RecordedFolder& recorded, const FolderPlan& plan, const UidSet& rows,
                            std::uint32_t exists);
// How long to wait before listing again, `asked` times having come out short: 2 s, 10 s, 60 s; then empty: go on with
// what there is.
[[nodiscard]] std::optional<std::chrono::seconds> ask_again_after(unsigned asked) noexcept;

struct FetchWork {
  UidSet wanted; // listed, not known, never struck
  UidSet alone;  // due, one at a time
  UidSet gone;   // retry records of messages that the server has no more
};
// REQUIRES: plan.action is kList, or kRetry with empty `rows`. A listing that came out short (`complete` false) makes
// nothing gone.
[[nodiscard]] FetchWork what_to_fetch(const RecordedFolder& recorded, const FolderPlan& plan, const UidSet& rows,
                                      bool complete);

struct FetchLimits {
  std::uint64_t messages = 100;      // a command; Exchange is at ease with 100 to 200
  std::size_t set_text_bytes = 3500; // of the UID set: Exchange answers BAD 10 or 12 from 4,096 bytes a command
};
// One UID set a command, in the order to send them: mail above `highest_known` first, oldest first; then the backfill,
// newest first. Together they are exactly `wanted`, none is empty. REQUIRES: limits.messages ≥ 1, set_text_bytes ≥ 11.
[[nodiscard]] std::vector<UidSet> fetch_batches(UidSet wanted, std::optional<Uid> highest_known,
                                                const FetchLimits& limits);

// The state to record when the pass is carried to its end. Never claims more than was seen: after a short listing
// (`complete` false) the next pass looks again behind the last UID seen.
[[nodiscard]] FolderState state_to_record(const FolderPlan& plan, const FolderState& server_now, const UidSet& rows,
                                          bool complete);

} // namespace mailmoor::sync
