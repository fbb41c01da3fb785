#include "sync/folder_pass.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mailmoor::sync {
namespace {

// Of the first batch what fits; the rest of it stays in front.
[[nodiscard]] UidSet take_front(std::deque<UidSet>& queue, std::uint64_t at_most, bool newest_first) {
  if (queue.front().size() > at_most)
    return newest_first ? queue.front().take_highest(at_most) : queue.front().take_lowest(at_most);
  UidSet front = std::move(queue.front());
  queue.pop_front();
  return front;
}

// The one below UIDNEXT. Where it is not shown it was expunged, or the server does not tell what is new.
[[nodiscard]] bool shows_newest(const UidSet& rows, const FolderState& server_now) {
  const std::optional<Uid> newest = rows.max();
  return newest && server_now.uid_next && std::uint64_t{newest->value()} + 1 >= server_now.uid_next->value();
}

void append_singly(std::deque<UidSet>& queue, const UidSet& uids) {
  uids.for_each([&queue](Uid uid) { queue.emplace_back().insert(uid); });
}

} // namespace

void FolderFacts::apply_to(RecordedFolder& recorded) const {
  if (start_over) {
    recorded = RecordedFolder();
    recorded.validity = start_over;
  }
  recorded.known.insert(known_added);
  if (!known_removed.empty()) recorded.known = recorded.known.minus(known_removed);
  for (const RetryRecord& record : retries_set) {
    const auto at = std::ranges::lower_bound(recorded.retries, record.uid, {}, &RetryRecord::uid);
    if (at != recorded.retries.end() && at->uid == record.uid)
      *at = record;
    else
      recorded.retries.insert(at, record);
  }
  std::erase_if(recorded.retries, [this](const RetryRecord& record) { return retries_removed.contains(record.uid); });
  if (held) recorded.held = *held;
  if (confirmed) recorded.confirmed = *confirmed;
  if (left_out) recorded.left_out = *left_out;
  if (reopened) recorded.state.reset();
  if (state) recorded.state = state;
  if (state) recorded.covers = covers;
  if (listed_in_full) recorded.listed_in_full = listed_in_full;
}

bool FolderFacts::empty() const noexcept {
  return !start_over && known_added.empty() && known_removed.empty() && flags_set.empty() && retries_set.empty() &&
         retries_removed.empty() && !held && !confirmed && !left_out && !reopened && !state && !listed_in_full;
}

FolderFacts readmit(const RecordedFolder& recorded, const Filter& filter, UnixTime now) {
  FolderFacts facts;
  const UidSet back = readmitted(recorded.left_out, filter, now);
  if (back.empty()) return facts;
  facts.left_out = recorded.left_out;
  facts.left_out->remove(back);
  facts.reopened = true;
  return facts;
}

FolderPass::FolderPass(RecordedFolder recorded, FolderState server_now, UnixTime now, Wants wants,
                       const std::optional<Told>& told, FetchLimits limits)
    : recorded_(std::move(recorded)), server_now_(server_now), wants_(wants), limits_(limits),
      plan_(plan_folder(recorded_, server_now_, now, wants, told.has_value())) {
  begin();
  if (!told || !changes_open_) return;
  UidSet elsewhere = uids_of(recorded_.retries);
  elsewhere.insert(recorded_.left_out.uids());
  told_gone_ = told->vanished.intersect(elsewhere);
  elsewhere.insert(recorded_.known);
  told_vanished_ = told->vanished.intersect(elsewhere).size();
  if (wants_.deletions) vanished_ = told->vanished.intersect(recorded_.known);
  // A wait is of no use: a message that was announced and not told is asked for by the listing.
  static_cast<void>(looked(told->rows, server_now_.messages, server_now_.messages));
}

void FolderPass::begin() {
  changes_open_ = plan_.changed_since.has_value();
  listing_open_ = plan_.list_from.has_value();
  if (plan_.action == FolderPlan::Action::kRetry) set_out();
}

FolderFacts FolderPass::start_over(const UidSet& present, UnixTime now) {
  assert(plan_.action == FolderPlan::Action::kStartOver);
  FolderFacts facts;
  facts.start_over = server_now_.uid_validity;
  facts.known_added = present;
  facts.apply_to(recorded_);
  started_over_ = true;
  plan_ = plan_folder(recorded_, server_now_, now, wants_);
  begin();
  return facts;
}

std::optional<Look> FolderPass::next_look() const {
  if (changes_open_) return Look{*Uid::from(1), plan_.changed_since};
  if (listing_open_) return Look{*plan_.list_from, std::nullopt};
  return std::nullopt;
}

std::optional<std::chrono::seconds> FolderPass::looked(const FlagMap& rows, std::uint32_t exists,
                                                       std::uint32_t exists_after) {
  assert(changes_open_ || listing_open_);
  const bool was_listing = !changes_open_;
  changes_open_ = false;
  const FlagMap counting = was_listing ? rows_from(*plan_.list_from, rows) : rows;
  seen_flags_.set(counting);
  const UidSet uids = counting.uids();
  // What one listing showed is not unseen by the next.
  rows_.insert(uids);
  if (was_listing) {
    ++asked_;
    complete_ = !is_short(recorded_, plan_, rows_, exists);
    if (!complete_)
      if (const auto wait = ask_again_after(asked_)) return wait;
    listing_open_ = false;
    if (wants_.deletions && plan_.lists_in_full() && !started_over_) {
      knows_gone_ = uids.size() == exists && exists == exists_after;
      vanished_ = knows_gone_ ? recorded_.known.minus(uids) : UidSet();
    }
  } else if (listing_open_ && !is_short(recorded_, plan_, rows_, exists) && shows_newest(rows_, server_now_)) {
    listing_open_ = false; // a message that is new has changed, too (RFC 7162 §3.1)
  }
  if (!listing_open_) settle_look(exists);
  return std::nullopt;
}

// Everything that the plan asked for is here. Whether more is to be asked.
void FolderPass::settle_look(std::uint32_t exists) {
  if (!plan_.lists_in_full()) {
    const bool is_borne_out = expunged_by_count(recorded_, rows_, exists) == told_vanished_;
    if (!is_borne_out) told_gone_ = UidSet();
    if (wants_.deletions) knows_gone_ = is_borne_out;
    if (wants_.deletions && !is_borne_out) {
      // Without VANISHED, or against it: only a listing of everything tells.
      vanished_ = UidSet();
      plan_.list_from = Uid::from(1);
      plan_.why = "messages are gone";
      listing_open_ = true;
      return;
    }
  }
  set_out();
}

void FolderPass::set_out() {
  FetchWork work = what_to_fetch(recorded_, plan_, rows_, complete_);
  gone_ = std::move(work.gone);
  gone_.insert(told_gone_);
  due_ = work.alone.minus(gone_);
  open_ = std::move(work.wanted);
  open_.insert(due_);
  newest_known_ = recorded_.known.max();
  seen_flags_ = wants_.flags ? seen_flags_.restricted_to(recorded_.known) : FlagMap();
}

FolderFacts FolderPass::leave_out(const LeftOut& outside) {
  assert(!next_look() && !queued_);
  FolderFacts facts;
  if (outside.empty()) return facts;
  const UidSet uids = outside.uids();
  assert(uids.minus(open_).empty());
  facts.left_out = recorded_.left_out;
  facts.left_out->add(outside);
  facts.retries_removed = uids.intersect(uids_of(recorded_.retries));
  facts.apply_to(recorded_);
  open_ = open_.minus(uids);
  return facts;
}

FolderFacts FolderPass::linked(const UidSet& delivered, const FlagMap& flags) {
  assert(!next_look() && !queued_ && delivered.minus(open_).empty());
  FolderFacts facts;
  facts.known_added = delivered;
  if (wants_.flags) facts.flags_set = flags.restricted_to(delivered);
  facts.retries_removed = delivered.intersect(uids_of(recorded_.retries));
  facts.apply_to(recorded_);
  open_ = open_.minus(delivered);
  return facts;
}

void FolderPass::queue_up() {
  queued_ = true;
  due_ = due_.intersect(open_);
  append_singly(alone_, due_);
  for (UidSet& batch : fetch_batches(open_.minus(due_), newest_known_, limits_)) {
    const bool is_new = newest_known_ && *batch.max() > *newest_known_;
    (is_new ? new_mail_ : backfill_).push_back(std::move(batch));
  }
}

std::optional<UidSet> FolderPass::next_batch(std::uint64_t at_most) {
  if (!queued_) queue_up();
  if (at_most == 0) return std::nullopt;
  for (std::deque<UidSet>* queue : {&new_mail_, &alone_, &backfill_})
    if (!queue->empty()) return take_front(*queue, at_most, /*newest_first=*/queue == &backfill_);
  return std::nullopt;
}

FolderPass::NextBatch FolderPass::what_is_next() {
  if (!queued_) queue_up();
  if (!new_mail_.empty() || !alone_.empty()) return NextBatch::kNewMail;
  return backfill_.empty() ? NextBatch::kNone : NextBatch::kBackfill;
}

FolderFacts FolderPass::received(const FetchReport& report, UnixTime now) {
  FetchEnd end = report.end;
  if (end == FetchEnd::kLost && std::exchange(lost_, true)) end = FetchEnd::kNotReached;
  Accounts accounts = account_for(report.requested, report.arrived, end, recorded_.retries, now, report.reason);
  append_singly(alone_, accounts.ask_alone);

  FolderFacts facts;
  facts.known_added = report.delivered;
  if (wants_.flags) facts.flags_set = report.flags.restricted_to(report.delivered);
  facts.retries_set = std::move(accounts.struck);
  facts.retries_removed = report.delivered.intersect(uids_of(recorded_.retries));
  facts.apply_to(recorded_);
  const UidSet struck = uids_of(facts.retries_set);
  open_ = open_.minus(report.delivered).minus(struck);
  if (end == FetchEnd::kTagged) doubted_.insert(struck);
  return facts;
}

FolderFacts FolderPass::seen_again(const UidSet& there) {
  FolderFacts facts;
  facts.retries_removed = doubted_.minus(there);
  doubted_ = UidSet();
  facts.apply_to(recorded_);
  return facts;
}

FlagMap FolderPass::differing_flags(const FlagMap& base) {
  seen_flags_ = flags_to_apply(seen_flags_, base);
  return seen_flags_;
}

FolderFacts FolderPass::reflagged(const UidSet& done) {
  FolderFacts facts;
  facts.flags_set = seen_flags_.restricted_to(done);
  seen_flags_.erase(done);
  return facts;
}

FolderFacts FolderPass::removed(const UidSet& done) {
  FolderFacts facts;
  facts.known_removed = done.intersect(vanished_);
  vanished_ = vanished_.minus(done);
  // A word is good for what it was given for.
  const UidSet left = recorded_.confirmed.intersect(vanished_);
  if (left != recorded_.confirmed) facts.confirmed = left;
  facts.apply_to(recorded_);
  return facts;
}

FolderFacts FolderPass::hold(const UidSet& uids) {
  FolderFacts facts;
  const UidSet held = uids.intersect(vanished_);
  vanished_ = vanished_.minus(held);
  if (held != recorded_.held) facts.held = held;
  facts.apply_to(recorded_);
  return facts;
}

FolderFacts FolderPass::finish(UnixTime now) {
  assert(!next_look());
  FolderFacts facts;
  facts.retries_removed = gone_;
  const UidSet left_out = recorded_.left_out.uids();
  const UidSet left = plan_.lists_in_full() && complete_ ? left_out.minus(rows_) : left_out.intersect(gone_);
  if (!left.empty()) {
    facts.left_out = recorded_.left_out;
    facts.left_out->remove(left);
  }
  if (open_.empty() && seen_flags_.empty() && vanished_.empty()) {
    facts.state = state_to_record(plan_, server_now_, rows_, complete_);
    facts.covers = wants_;
    facts.covers.deletions = wants_.deletions && !started_over_;
    if (plan_.lists_in_full()) facts.listed_in_full = now;
  }
  facts.apply_to(recorded_);
  return facts;
}

} // namespace mailmoor::sync
