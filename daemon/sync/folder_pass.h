// One pass over one folder: what to ask next, and which facts to record when. A value without I/O; its owner asks the
// server, writes the Maildir and records. Dropping a pass at any point is safe: the next one starts from the record.
//
//   FolderPass pass(recorded, server_now, now, wants, told);
//   if (pass.plan().action == kStartOver) record(pass.start_over(scan.present, now));
//   while (auto look = pass.next_look())
//     if (auto wait = pass.looked(rows, exists, exists_after)) sleep(*wait);
//   record(pass.leave_out(judge(filter, now, summaries of pass.open())));   // where there is a filter
//   link what other folders have of pass.open();          record(pass.linked(delivered, flags));
//   while (auto batch = pass.next_batch()) {              // several may be on the way at once
//     fetch, commit; record(pass.received({batch, arrived, delivered, flags, end, why}, now));
//   }
//   rename files by pass.differing_flags(base);           record(pass.reflagged(done));
//   remove files of pass.gone(), or hold them;            record(pass.removed(done)); record(pass.hold(rest));
//   record(pass.finish(now));
//
// Journal rules:
//  1. Delivered UIDs are recorded after their commit: files and names are durable by then. A crash in between is
//     healed by the Maildir, which knows a message by its name.
//  2. A strike is recorded when it happens.
//  3. The folder's state is recorded last, and only when every UID listed is known, left out or has a retry record,
//     every changed flag is in its file's name, and every message that is gone was removed or is held: a crash, a lost
//     connection or a full disk on the way never makes a folder look unchanged.
//  4. Records of another UIDVALIDITY are forgotten only when the new one's known set takes their place, in one
//     transaction. Files are never deleted.
//  5. The base of a message's flags is recorded after the new name is durable. A crash in between merges again, to the
//     same end.
//  6. A message is gone only by a listing of everything that agrees with EXISTS before and after it, or by VANISHED
//     whose count agrees with EXISTS.
#pragma once

#include "sync/filter.h"
#include "sync/planner.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>

namespace mailmoor::sync {

// To be recorded in one transaction. Applying it twice is applying it once.
struct FolderFacts {
  // First: forget all that is recorded of the folder; it now has this UIDVALIDITY.
  std::optional<UidValidity> start_over;
  UidSet known_added;
  UidSet known_removed;     // after known_added; base flags go with them
  FlagMap flags_set;        // base flags, replaced by UID
  RetryRecords retries_set; // add, or replace by UID
  UidSet retries_removed;   // after retries_set
  std::optional<UidSet> held;
  std::optional<UidSet> confirmed;
  std::optional<LeftOut> left_out;  // all of it
  bool reopened = false;            // with `left_out`: no pass was complete; before `state`
  std::optional<FolderState> state; // the pass is complete
  Wants covers;                     // with `state`
  std::optional<UnixTime> listed_in_full;

  // The record after these facts: what the store is to hold.
  void apply_to(RecordedFolder& recorded) const;
  [[nodiscard]] bool empty() const noexcept;
};

// Before a pass is planned: what the filter leaves out no more counts as never seen, so that the pass fetches it. Empty
// when that is nothing.
[[nodiscard]] FolderFacts readmit(const RecordedFolder& recorded, const Filter& filter, UnixTime now);

// The end of one UID FETCH: requested ⊇ arrived ⊇ delivered.
struct FetchReport {
  UidSet requested;
  UidSet arrived;   // came whole
  UidSet delivered; // committed; less than `arrived` when the disk failed
  FlagMap flags;    // of those that arrived, as they came
  FetchEnd end = FetchEnd::kTagged;
  std::string reason; // why the others did not arrive, for people; e.g. the tagged text
};

// What EXAMINE with QRESYNC said before its OK.
struct Told {
  FlagMap rows;
  UidSet vanished;
};

// UID FETCH from:* (UID FLAGS), with `since` (CHANGEDSINCE since).
struct Look {
  Uid from;
  std::optional<ModSeq> since;

  friend bool operator==(const Look&, const Look&) = default;
};

class FolderPass final {
 public:
  FolderPass(RecordedFolder recorded, FolderState server_now, UnixTime now, Wants wants = {},
             const std::optional<Told>& told = std::nullopt, FetchLimits limits = {});

  [[nodiscard]] const FolderPlan& plan() const noexcept { return plan_; }

  // REQUIRES: plan().action is kStartOver. `present`: what a scan of the Maildir found of the server's UIDVALIDITY.
  // Plans again; facts are to be recorded before anything is fetched.
  [[nodiscard]] FolderFacts start_over(const UidSet& present, UnixTime now);

  // The next question; empty when nothing is left to be asked.
  [[nodiscard]] std::optional<Look> next_look() const;
  // Its answer. `exists`: as of when it was sent, and of when it was complete. A wait: look on after it.
  // REQUIRES: next_look().
  [[nodiscard]] std::optional<std::chrono::seconds> looked(const FlagMap& rows, std::uint32_t exists,
                                                           std::uint32_t exists_after);

  // What is to be fetched in this pass, and not accounted for yet.
  [[nodiscard]] const UidSet& open() const noexcept { return open_; }
  // Takes these out of it: they are not fetched, and not asked for again. REQUIRES: no next_look(), no next_batch()
  // yet; outside.uids() ⊆ open().
  [[nodiscard]] FolderFacts leave_out(const LeftOut& outside);

  // These are delivered without being fetched: another folder had them. REQUIRES: as for leave_out();
  // delivered ⊆ open().
  [[nodiscard]] FolderFacts linked(const UidSet& delivered, const FlagMap& flags);

  // The next UID set for one UID FETCH: new mail, then retries and leftovers one at a time, then backfill. Empty when
  // everything was handed out; received() may bring leftovers. Of at most so many messages.
  [[nodiscard]] std::optional<UidSet> next_batch(std::uint64_t at_most = std::numeric_limits<std::uint64_t>::max());
  // What the next one would be of.
  enum class NextBatch { kNone, kNewMail, kBackfill };
  [[nodiscard]] NextBatch what_is_next();
  // Once for each batch, in the order in which they were handed out. When the connection goes, kLost for all that are
  // on the way: the first one's message is to blame, the others were not reached.
  [[nodiscard]] FolderFacts received(const FetchReport& report, UnixTime now);

  // Struck in this pass since an answer was without them: they may have been deleted after they were listed, which is
  // to be asked with FLAGS before finish().
  [[nodiscard]] const UidSet& doubted() const noexcept { return doubted_; }
  // Those of them that the server still has; the others' records are dropped.
  [[nodiscard]] FolderFacts seen_again(const UidSet& there);

  // Messages not delivered yet that are to be fetched in this pass.
  [[nodiscard]] std::uint64_t behind() const noexcept { return open_.size(); }

  // Whether the server told flags of known messages: then `base` is to be loaded and differing_flags() asked.
  [[nodiscard]] bool has_flags() const noexcept { return !seen_flags_.empty(); }
  // What is to be merged into the names of files that were known before this pass. Once.
  [[nodiscard]] FlagMap differing_flags(const FlagMap& base);
  // These are merged and durable, or have no file any more.
  [[nodiscard]] FolderFacts reflagged(const UidSet& done);

  // Whether this pass can tell what is gone (rule 6); never in one that started over.
  [[nodiscard]] bool knows_gone() const noexcept { return knows_gone_; }
  // Known messages that the server has no more, and that were not removed or held in this pass.
  [[nodiscard]] const UidSet& gone() const noexcept { return vanished_; }
  // Those that the operator has allowed to go.
  [[nodiscard]] const UidSet& confirmed() const noexcept { return recorded_.confirmed; }
  // Their files are in the trash and durable there, or there is none any more. REQUIRES: knows_gone().
  [[nodiscard]] FolderFacts removed(const UidSet& done);
  // They wait for the operator's word. What was held before and is not among them is held no longer.
  // REQUIRES: knows_gone().
  [[nodiscard]] FolderFacts hold(const UidSet& uids);

  // REQUIRES: no next_look(). Carries the state only when nothing is open any more (rule 3).
  [[nodiscard]] FolderFacts finish(UnixTime now);

 private:
  void begin();
  void settle_look(std::uint32_t exists);
  void set_out();
  void queue_up();

  RecordedFolder recorded_;
  FolderState server_now_;
  Wants wants_;
  FetchLimits limits_;
  FolderPlan plan_;
  bool changes_open_ = false; // plan_.changed_since is not answered yet
  bool listing_open_ = false; // nor plan_.list_from
  unsigned asked_ = 0;
  UidSet rows_;
  FlagMap seen_flags_;   // of all rows; from set_out() on only those that differ from the base, or may
  bool complete_ = true; // the listing was not short
  bool lost_ = false;    // a command was cut off: those after it were not reached
  UidSet gone_;          // retry records to be dropped
  UidSet doubted_;
  UidSet told_gone_; // of what is left out or was struck, by VANISHED
  UidSet vanished_;
  bool knows_gone_ = false;
  bool started_over_ = false;
  std::uint64_t told_vanished_ = 0; // messages that VANISHED named and that were recorded
  UidSet open_;                     // to be fetched in this pass, not accounted for
  UidSet due_;                      // of these, those to be asked for alone
  std::optional<Uid> newest_known_; // as of before this pass: what is above it is new mail
  bool queued_ = false;             // they are in the queues:
  std::deque<UidSet> new_mail_, alone_, backfill_;
};

} // namespace mailmoor::sync
