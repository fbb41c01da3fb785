// What a folder needs: the record of it here against what the server says now. Pure functions.
//
// The known set is a set, not a watermark: a UID that did not come is in it no more than one never seen, and its
// neighbours do not wait for it. No answer of these functions deletes anything.
#pragma once

#include "model/flag_map.h"
#include "model/folder_state.h"
#include "model/left_out.h"
#include "model/uid_set.h"
#include "sync/retry.h"
#include "util/time_text.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::sync {

// What a pass looks for besides new mail.
struct Wants {
  bool flags = false;     // flags that changed
  bool deletions = false; // messages that the server has no more

  friend bool operator==(const Wants&, const Wants&) = default;
};

struct RecordedFolder {
  std::optional<UidValidity> validity; // of all UIDs below; empty: there is no record of this folder
  UidSet known;                        // delivered once; a reader may have deleted some since
  RetryRecords retries;                // disjoint from `known`
  // The server's at the start of the last pass that was carried to its end, see state_to_record().
  std::optional<FolderState> state;
  Wants covers;                           // what `state` answers for: the pass looked for it, and it was dealt with
  std::optional<UnixTime> listed_in_full; // when 1:* was last listed
  // Of `known`, gone from the server and still here: held until the operator's word, and those that have it.
  UidSet held;
  UidSet confirmed;
  LeftOut left_out{}; // by the filters; disjoint from `known` and `retries`
};

struct FolderPlan {
  enum class Action {
    kNothing,   // nothing new, nothing due; no EXAMINE needed
    kRetry,     // only `due`
    kLook,      // the commands below, then what is missing, then `due`
    kStartOver, // no record, or of another UIDVALIDITY: forget it, scan the Maildir for the new one, then plan again
    kRefuse,    // the server keeps no UIDs: the folder cannot be mirrored
  };
  Action action = Action::kNothing;
  // kLook: one of the two, or both; the changes first, which may answer the other too.
  std::optional<Uid> list_from;        // UID FETCH list_from:* (UID FLAGS); 1: the full listing
  std::optional<ModSeq> changed_since; // UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE …), or told by EXAMINE with QRESYNC
  UidSet due;                          // to be asked for one at a time
  std::string why;                     // for the log, e.g. "UIDNEXT 10 -> 12"; never empty

  [[nodiscard]] bool lists_in_full() const noexcept { return list_from && list_from->value() == 1; }
};

// `server_now`: from STATUS, LIST-STATUS or EXAMINE; without a mod-sequence where the server offers no CONDSTORE. A
// folder whose UIDNEXT and MESSAGES are as recorded has nothing new; where UIDNEXT is not told, HIGHESTMODSEQ and
// MESSAGES decide. HIGHESTMODSEQ tells of changed flags; without it they are looked up: all of them at each pass in a
// folder of up to kSweptEachPass messages, in a larger one those of the newest kNewestSwept at each pass and all of
// them every kFullSweep. Every kFullListing everything is listed anyway.
// `told`: EXAMINE with QRESYNC was given told_since(), so that all changes are known already.
[[nodiscard]] FolderPlan plan_folder(const RecordedFolder& recorded, const FolderState& server_now, UnixTime now,
                                     Wants wants, bool told = false);

inline constexpr std::chrono::hours kFullListing{24};
inline constexpr std::chrono::hours kFullSweep{6};
inline constexpr std::uint32_t kSweptEachPass = 2000; // some 70 kB of answer
inline constexpr std::uint64_t kNewestSwept = 1000;

// What EXAMINE with QRESYNC may be given, so that it answers the plan by itself: the mod-sequence that flags and
// deletions are recorded up to. Empty: there is none.
[[nodiscard]] std::optional<ModSeq> told_since(const RecordedFolder& recorded, UnixTime now, Wants wants);

// The rows of a listing that count: "n:*" also returns the last message when it is below n (RFC 9051 §6.4.8).
[[nodiscard]] FlagMap rows_from(Uid list_from, const FlagMap& rows);

// How many messages were expunged since the record, by their numbers: `rows` shows at least what is new.
[[nodiscard]] std::uint64_t expunged_by_count(const RecordedFolder& recorded, const UidSet& rows, std::uint32_t exists);

// Whether EXISTS promised more messages than the listing showed (`rows` after rows_from()): Exchange announces a
// message before it can list it. `exists` as of the moment when the listing was asked for.
[[nodiscard]] bool is_short(const RecordedFolder& recorded, const FolderPlan& plan, const UidSet& rows,
                            std::uint32_t exists);
// How long to wait before listing again, `asked` times having come out short: 2 s, 10 s, 60 s; then empty: go on with
// what there is.
[[nodiscard]] std::optional<std::chrono::seconds> ask_again_after(unsigned asked) noexcept;

struct FetchWork {
  UidSet wanted; // listed, not known, never struck, not left out
  UidSet alone;  // due, one at a time
  UidSet gone;   // retry records of messages that the server has no more
};
// REQUIRES: plan.action is kLook, or kRetry with empty `rows`. A listing that came out short (`complete` false) makes
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

// Of `rows`, what differs from `base`, or has no base yet: the flags to bring to the files.
[[nodiscard]] FlagMap flags_to_apply(const FlagMap& rows, const FlagMap& base);

// Whether removing so many messages of a folder needs the operator's word: more than 20 and more than a tenth.
[[nodiscard]] constexpr bool needs_word(std::uint64_t removing, std::uint64_t of_messages) noexcept {
  return removing > 20 && removing * 10 > of_messages;
}

// The state to record when the pass is carried to its end. Never claims more than was seen: after a short listing
// (`complete` false) the next pass looks again behind the last UID seen.
[[nodiscard]] FolderState state_to_record(const FolderPlan& plan, const FolderState& server_now, const UidSet& rows,
                                          bool complete);

} // namespace mailmoor::sync
