// One pass over one folder: what to ask next, and which facts to record when. A value without I/O; its owner asks the
// server, writes the Maildir and records. Dropping a pass at any point is safe: the next one starts from the record.
//
//   FolderPass pass(recorded, server_now, now);
//   if (pass.plan().action == kStartOver) record(pass.start_over(scan.present, now));
//   while (pass.plan().list_from && !pass.has_listing())
//     if (auto wait = pass.listed(rows, exists)) sleep(*wait);
//   while (auto batch = pass.next_batch()) {              // several may be on the way at once
//     fetch, commit; record(pass.received({batch, arrived, delivered, end, why}, now));
//   }
//   record(pass.finish(now));
//
// Journal rules:
//  1. Delivered UIDs are recorded after their commit: files and names are durable by then. A crash in between is
//     healed by the Maildir, which knows a message by its name.
//  2. A strike is recorded when it happens.
//  3. The folder's state is recorded last, and only when every UID listed is known or has a retry record: a crash, a
//     lost connection or a full disk on the way never makes a folder look unchanged.
//  4. Records of another UIDVALIDITY are forgotten only when the new one's known set takes their place, in one
//     transaction. Files are never deleted.
#pragma once

#include "sync/planner.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace mailmoor::sync {

// To be recorded in one transaction. Applying it twice is applying it once.
struct FolderFacts {
  // First: forget known set, retry records and state of the folder; it now has this UIDVALIDITY.
  std::optional<UidValidity> start_over;
  UidSet known_added;
  RetryRecords retries_set;         // add, or replace by UID
  UidSet retries_removed;           // after retries_set
  std::optional<FolderState> state; // the pass is complete
  std::optional<UnixTime> listed_in_full;

  // The record after these facts: what the store is to hold.
  void apply_to(RecordedFolder& recorded) const;
  [[nodiscard]] bool empty() const noexcept;
};

// The end of one UID FETCH: requested ⊇ arrived ⊇ delivered.
struct FetchReport {
  UidSet requested;
  UidSet arrived;   // came whole
  UidSet delivered; // committed; less than `arrived` when the disk failed
  FetchEnd end = FetchEnd::kTagged;
  std::string reason; // why the others did not arrive, for people; e.g. the tagged text
};

class FolderPass final {
 public:
  FolderPass(RecordedFolder recorded, FolderState server_now, UnixTime now, FetchLimits limits = {});

  [[nodiscard]] const FolderPlan& plan() const noexcept { return plan_; }

  // REQUIRES: plan().action is kStartOver. `present`: what a scan of the Maildir found of the server's UIDVALIDITY.
  // Plans again; facts are to be recorded before anything is fetched.
  [[nodiscard]] FolderFacts start_over(const UidSet& present, UnixTime now);

  // The rows of "UID FETCH list_from:*"; `exists` as of when it was sent. A wait: list again after it.
  // REQUIRES: plan().list_from and !has_listing().
  [[nodiscard]] std::optional<std::chrono::seconds> listed(const UidSet& rows, std::uint32_t exists);
  [[nodiscard]] bool has_listing() const noexcept { return has_listing_; }

  // The next UID set for one UID FETCH: new mail, then retries and leftovers one at a time, then backfill. Empty when
  // everything was handed out; received() may bring leftovers.
  [[nodiscard]] std::optional<UidSet> next_batch();
  // Once for each batch, in the order in which they were handed out. When the connection goes, kLost for all that are
  // on the way: the first one's message is to blame, the others were not reached.
  [[nodiscard]] FolderFacts received(const FetchReport& report, UnixTime now);

  // Messages not delivered yet that are to be fetched in this pass.
  [[nodiscard]] std::uint64_t behind() const noexcept { return open_.size(); }

  // REQUIRES: a listing where the plan wants one. Carries the state only when nothing is open any more (rule 3).
  [[nodiscard]] FolderFacts finish(UnixTime now);

 private:
  void set_out();

  RecordedFolder recorded_;
  FolderState server_now_;
  FetchLimits limits_;
  FolderPlan plan_;
  UidSet rows_;
  unsigned asked_ = 0;
  bool has_listing_ = false;
  bool complete_ = true; // the listing was not short
  bool lost_ = false;    // a command was cut off: those after it were not reached
  UidSet gone_;
  UidSet open_; // to be fetched in this pass, not accounted for
  std::deque<UidSet> new_mail_, alone_, backfill_;
};

} // namespace mailmoor::sync
