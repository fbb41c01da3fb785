#include "sync/folder_pass.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mailmoor::sync {
namespace {

[[nodiscard]] std::optional<UidSet> take_front(std::deque<UidSet>& queue) {
  if (queue.empty()) return std::nullopt;
  UidSet front = std::move(queue.front());
  queue.pop_front();
  return front;
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
  for (const RetryRecord& record : retries_set) {
    const auto at = std::ranges::lower_bound(recorded.retries, record.uid, {}, &RetryRecord::uid);
    if (at != recorded.retries.end() && at->uid == record.uid)
      *at = record;
    else
      recorded.retries.insert(at, record);
  }
  std::erase_if(recorded.retries, [this](const RetryRecord& record) { return retries_removed.contains(record.uid); });
  if (state) recorded.state = state;
  if (listed_in_full) recorded.listed_in_full = listed_in_full;
}

bool FolderFacts::empty() const noexcept {
  return !start_over && known_added.empty() && retries_set.empty() && retries_removed.empty() && !state &&
         !listed_in_full;
}

FolderPass::FolderPass(RecordedFolder recorded, FolderState server_now, UnixTime now, FetchLimits limits)
    : recorded_(std::move(recorded)), server_now_(server_now), limits_(limits),
      plan_(plan_folder(recorded_, server_now_, now)) {
  if (plan_.action == FolderPlan::Action::kRetry) set_out();
}

FolderFacts FolderPass::start_over(const UidSet& present, UnixTime now) {
  assert(plan_.action == FolderPlan::Action::kStartOver);
  FolderFacts facts;
  facts.start_over = server_now_.uid_validity;
  facts.known_added = present;
  facts.apply_to(recorded_);
  plan_ = plan_folder(recorded_, server_now_, now);
  return facts;
}

std::optional<std::chrono::seconds> FolderPass::listed(const UidSet& rows, std::uint32_t exists) {
  assert(plan_.list_from && !has_listing_);
  // What one listing showed is not unseen by the next.
  rows_.insert(rows_from(*plan_.list_from, rows));
  ++asked_;
  complete_ = !is_short(recorded_, plan_, rows_, exists);
  if (!complete_)
    if (const auto wait = ask_again_after(asked_)) return wait;
  has_listing_ = true;
  set_out();
  return std::nullopt;
}

void FolderPass::set_out() {
  FetchWork work = what_to_fetch(recorded_, plan_, rows_, complete_);
  open_ = work.wanted;
  open_.insert(work.alone);
  gone_ = std::move(work.gone);
  append_singly(alone_, work.alone);
  const std::optional<Uid> highest_known = recorded_.known.max();
  for (UidSet& batch : fetch_batches(std::move(work.wanted), highest_known, limits_)) {
    const bool is_new = highest_known && *batch.max() > *highest_known;
    (is_new ? new_mail_ : backfill_).push_back(std::move(batch));
  }
}

std::optional<UidSet> FolderPass::next_batch() {
  for (std::deque<UidSet>* queue : {&new_mail_, &alone_, &backfill_})
    if (auto batch = take_front(*queue)) return batch;
  return std::nullopt;
}

FolderFacts FolderPass::received(const FetchReport& report, UnixTime now) {
  FetchEnd end = report.end;
  if (end == FetchEnd::kLost && std::exchange(lost_, true)) end = FetchEnd::kNotReached;
  Accounts accounts = account_for(report.requested, report.arrived, end, recorded_.retries, now, report.reason);
  append_singly(alone_, accounts.ask_alone);

  FolderFacts facts;
  facts.known_added = report.delivered;
  facts.retries_set = std::move(accounts.struck);
  facts.retries_removed = report.delivered.intersect(uids_of(recorded_.retries));
  facts.apply_to(recorded_);
  open_ = open_.minus(report.delivered).minus(uids_of(facts.retries_set));
  return facts;
}

FolderFacts FolderPass::finish(UnixTime now) {
  assert(!plan_.list_from || has_listing_);
  FolderFacts facts;
  facts.retries_removed = gone_;
  if (open_.empty()) {
    facts.state = state_to_record(plan_, server_now_, rows_, complete_);
    if (plan_.lists_in_full()) facts.listed_in_full = now;
  }
  facts.apply_to(recorded_);
  return facts;
}

} // namespace mailmoor::sync
