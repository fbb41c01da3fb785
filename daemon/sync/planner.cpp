#include "sync/planner.h"

#include "util/concat.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace mailmoor::sync {
namespace {

// What changed since the record, as a listing to make; empty when nothing is new.
struct Listing {
  Uid from;
  std::string why;
};

[[nodiscard]] std::optional<Listing> listing_for(const RecordedFolder& recorded, const FolderState& now_there,
                                                 UnixTime now) {
  const Uid first = *Uid::from(1);
  if (!recorded.state) return Listing{first, "no complete pass yet"};
  const FolderState& before = *recorded.state;
  // The clock may have been set back.
  if (!recorded.listed_in_full || now < *recorded.listed_in_full || now - *recorded.listed_in_full >= kFullListing)
    return Listing{first, "the daily full look"};

  if (now_there.uid_next && before.uid_next) {
    if (*now_there.uid_next != *before.uid_next)
      // A UIDNEXT that went back is against RFC 9051 §2.3.1.1: trust nothing of the record but the known set.
      return Listing{*now_there.uid_next > *before.uid_next ? *before.uid_next : first,
                     concat("UIDNEXT ", before.uid_next->value(), " -> ", now_there.uid_next->value())};
  } else if (!now_there.highest_mod_seq || now_there.highest_mod_seq != before.highest_mod_seq) {
    return Listing{first, "neither UIDNEXT nor HIGHESTMODSEQ says that nothing is new"};
  }
  if (now_there.messages > before.messages)
    return Listing{first, concat("MESSAGES ", before.messages, " -> ", now_there.messages)};
  return std::nullopt;
}

} // namespace

FolderPlan plan_folder(const RecordedFolder& recorded, const FolderState& server_now, UnixTime now) {
  using Action = FolderPlan::Action;
  if (!server_now.uid_validity) return {Action::kRefuse, {}, {}, "the server keeps no UIDVALIDITY for it"};
  if (!recorded.validity) return {Action::kStartOver, {}, {}, "there is no record of it"};
  if (*recorded.validity != *server_now.uid_validity)
    return {Action::kStartOver,
            {},
            {},
            concat("UIDVALIDITY ", recorded.validity->value(), " -> ", server_now.uid_validity->value())};

  UidSet due_now = due(recorded.retries, now);
  if (auto listing = listing_for(recorded, server_now, now))
    return {Action::kList, listing->from, std::move(due_now), std::move(listing->why)};
  if (!due_now.empty()) {
    std::string why = concat(due_now.size(), " to be asked for again");
    return {Action::kRetry, {}, std::move(due_now), std::move(why)};
  }
  return {Action::kNothing, {}, {}, "unchanged"};
}

UidSet rows_from(Uid list_from, const UidSet& rows) {
  UidSet out = rows;
  if (list_from.value() > 1) out.erase(UidRange{1, list_from.value() - 1});
  return out;
}

bool is_short(const RecordedFolder& recorded, const FolderPlan& plan, const UidSet& rows, std::uint32_t exists) {
  // Of the messages below list_from there are at most as many as were recorded.
  const std::uint64_t below = plan.lists_in_full() || !recorded.state ? 0 : recorded.state->messages;
  return rows.size() + below < exists;
}

std::optional<std::chrono::seconds> ask_again_after(unsigned asked) noexcept {
  using namespace std::chrono_literals;
  constexpr std::array<std::chrono::seconds, 3> kWaits = {2s, 10s, 60s};
  if (asked < 1 || asked > kWaits.size()) return std::nullopt;
  return kWaits[asked - 1];
}

FetchWork what_to_fetch(const RecordedFolder& recorded, const FolderPlan& plan, const UidSet& rows, bool complete) {
  FetchWork work;
  const UidSet struck = uids_of(recorded.retries);
  work.wanted = rows.minus(recorded.known).minus(struck);
  if (plan.lists_in_full() && complete) work.gone = struck.minus(rows);
  work.alone = plan.due.minus(work.gone);
  return work;
}

std::vector<UidSet> fetch_batches(UidSet wanted, std::optional<Uid> highest_known, const FetchLimits& limits) {
  // "4294967295," is the most that a UID takes: alone, or as its share of a range.
  constexpr std::size_t kMaxTextOfUid = 11;
  const std::uint64_t size = std::min<std::uint64_t>(limits.messages, limits.set_text_bytes / kMaxTextOfUid);
  assert(size >= 1);

  UidSet backfill = wanted;
  if (highest_known) {
    wanted.erase(UidRange{1, highest_known->value()});
    backfill = backfill.minus(wanted);
  } else {
    wanted = UidSet();
  }
  std::vector<UidSet> batches;
  while (!wanted.empty())
    batches.push_back(wanted.take_lowest(size));
  while (!backfill.empty())
    batches.push_back(backfill.take_highest(size));
  return batches;
}

FolderState state_to_record(const FolderPlan& plan, const FolderState& server_now, const UidSet& rows, bool complete) {
  FolderState state = server_now;
  if (complete || !plan.list_from) return state;
  state.highest_mod_seq.reset();
  // One behind the last UID seen; none behind 2^32-1.
  const std::optional<Uid> seen = rows.max();
  const std::optional<Uid> behind = seen ? Uid::from(seen->value() + 1) : plan.list_from;
  if (!state.uid_next || !behind || *behind < *state.uid_next) state.uid_next = behind;
  return state;
}

} // namespace mailmoor::sync
