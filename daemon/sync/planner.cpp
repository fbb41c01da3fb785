#include "sync/planner.h"

#include "util/concat.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <utility>

namespace mailmoor::sync {
namespace {

// A listing to make; empty when none is needed.
struct Listing {
  Uid from;
  std::string why;
};

[[nodiscard]] Uid first_uid() {
  return *Uid::from(1);
}

// The clock may have been set back.
[[nodiscard]] bool is_over(std::optional<UnixTime> since, std::chrono::seconds interval, UnixTime now) {
  return !since || now < *since || now - *since >= interval;
}

[[nodiscard]] bool covers(Wants covered, Wants wanted) noexcept {
  return (covered.flags || !wanted.flags) && (covered.deletions || !wanted.deletions);
}

// Everything, whatever changed.
[[nodiscard]] std::optional<Listing> full_listing_for(const RecordedFolder& recorded, const FolderState& now_there,
                                                      UnixTime now, Wants wants) {
  const FolderState& before = *recorded.state;
  if (is_over(recorded.listed_in_full, kFullListing, now)) return Listing{first_uid(), "the daily full look"};
  if (!covers(recorded.covers, wants)) return Listing{first_uid(), "flags or deletions were not looked for before"};
  if (wants.deletions && !(recorded.held.empty() && recorded.confirmed.empty()))
    return Listing{first_uid(), "a removal is held or confirmed"};
  if (!wants.flags) return std::nullopt;
  if (!now_there.highest_mod_seq) {
    if (now_there.messages <= kSweptEachPass) return Listing{first_uid(), "flags are looked up"};
    if (is_over(recorded.listed_in_full, kFullSweep, now)) return Listing{first_uid(), "all flags are looked up"};
  } else if (!before.highest_mod_seq || *now_there.highest_mod_seq < *before.highest_mod_seq) {
    return Listing{first_uid(), "HIGHESTMODSEQ is new or went back"};
  }
  return std::nullopt;
}

// New mail, and where VANISHED does not tell it a missing message.
[[nodiscard]] std::optional<Listing> listing_for(const RecordedFolder& recorded, const FolderState& now_there,
                                                 bool counts_missing) {
  const FolderState& before = *recorded.state;
  if (now_there.uid_next && before.uid_next) {
    if (*now_there.uid_next != *before.uid_next)
      // A UIDNEXT that went back is against RFC 9051 §2.3.1.1: trust nothing of the record but the known set.
      return Listing{*now_there.uid_next > *before.uid_next ? *before.uid_next : first_uid(),
                     concat("UIDNEXT ", before.uid_next->value(), " -> ", now_there.uid_next->value())};
  } else if (!now_there.highest_mod_seq || now_there.highest_mod_seq != before.highest_mod_seq) {
    return Listing{first_uid(), "neither UIDNEXT nor HIGHESTMODSEQ says that nothing is new"};
  }
  if (now_there.messages > before.messages || (counts_missing && now_there.messages != before.messages))
    return Listing{first_uid(), concat("MESSAGES ", before.messages, " -> ", now_there.messages)};
  return std::nullopt;
}

// Where the newest messages begin whose flags are looked up each time.
[[nodiscard]] Uid newest_from(const RecordedFolder& recorded) {
  UidSet known = recorded.known;
  const UidSet newest = known.take_highest(kNewestSwept);
  return newest.empty() ? first_uid() : *Uid::from(newest.ranges().front().first);
}

// How many of the rows the folder did not have then.
[[nodiscard]] std::uint64_t added_since(const FolderState& before, const UidSet& rows) {
  UidSet added = rows;
  if (before.uid_next && before.uid_next->value() > 1) added.erase(UidRange{1, before.uid_next->value() - 1});
  return added.size();
}

// What to look at since the last complete pass.
void look(FolderPlan& plan, const RecordedFolder& recorded, const FolderState& now_there, UnixTime now, Wants wants,
          bool told) {
  std::optional<Listing> listing;
  if (!recorded.state)
    listing = Listing{first_uid(), "no complete pass yet"};
  else
    listing = full_listing_for(recorded, now_there, now, wants);
  if (!listing) listing = listing_for(recorded, now_there, wants.deletions && !told);
  if (listing) plan = {FolderPlan::Action::kLook, listing->from, {}, std::move(plan.due), std::move(listing->why)};
  if (!recorded.state || plan.lists_in_full() || !(wants.flags || told)) return;

  const auto before = recorded.state->highest_mod_seq;
  if (now_there.highest_mod_seq && before && *now_there.highest_mod_seq > *before) {
    plan.changed_since = before;
    if (!listing) plan.why = concat("HIGHESTMODSEQ ", before->value(), " -> ", now_there.highest_mod_seq->value());
    plan.action = FolderPlan::Action::kLook;
  } else if (!now_there.highest_mod_seq) {
    const Uid from = newest_from(recorded);
    if (!listing) plan.why = "the newest flags are looked up";
    plan.list_from = plan.list_from ? std::min(*plan.list_from, from) : from;
    plan.action = FolderPlan::Action::kLook;
  }
}

} // namespace

FolderPlan plan_folder(const RecordedFolder& recorded, const FolderState& server_now, UnixTime now, Wants wants,
                       bool told) {
  using Action = FolderPlan::Action;
  const auto only = [](Action action, std::string why) { return FolderPlan{action, {}, {}, {}, std::move(why)}; };
  if (!server_now.uid_validity) return only(Action::kRefuse, "the server keeps no UIDVALIDITY for it");
  if (!recorded.validity) return only(Action::kStartOver, "there is no record of it");
  if (*recorded.validity != *server_now.uid_validity)
    return only(Action::kStartOver,
                concat("UIDVALIDITY ", recorded.validity->value(), " -> ", server_now.uid_validity->value()));

  FolderPlan plan = only(Action::kNothing, "unchanged");
  plan.due = due(recorded.retries, now);
  look(plan, recorded, server_now, now, wants, told);
  if (plan.action == Action::kNothing && !plan.due.empty()) {
    plan.action = Action::kRetry;
    plan.why = concat(plan.due.size(), " to be asked for again");
  }
  return plan;
}

std::optional<ModSeq> told_since(const RecordedFolder& recorded, UnixTime now, Wants wants) {
  if (!recorded.validity || !recorded.state || !recorded.state->highest_mod_seq) return std::nullopt;
  if (!wants.flags && !wants.deletions) return std::nullopt;
  FolderState nothing_new = *recorded.state;
  nothing_new.uid_validity = recorded.validity;
  // Where everything is listed anyway it would be told twice.
  if (full_listing_for(recorded, nothing_new, now, wants)) return std::nullopt;
  return recorded.state->highest_mod_seq;
}

FlagMap rows_from(Uid list_from, const FlagMap& rows) {
  if (list_from.value() == 1) return rows;
  UidSet counting;
  counting.insert(UidRange{list_from.value(), std::numeric_limits<std::uint32_t>::max()});
  return rows.restricted_to(counting);
}

std::uint64_t expunged_by_count(const RecordedFolder& recorded, const UidSet& rows, std::uint32_t exists) {
  if (!recorded.state) return 0;
  const std::uint64_t expected = added_since(*recorded.state, rows) + recorded.state->messages;
  return expected > exists ? expected - exists : 0;
}

bool is_short(const RecordedFolder& recorded, const FolderPlan& plan, const UidSet& rows, std::uint32_t exists) {
  if (plan.lists_in_full() || !recorded.state) return rows.size() < exists;
  // Of the messages that were there before there are at most as many as were recorded.
  return added_since(*recorded.state, rows) + recorded.state->messages < exists;
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
  work.wanted = rows.minus(recorded.known).minus(struck).minus(recorded.left_out.uids());
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

FlagMap flags_to_apply(const FlagMap& rows, const FlagMap& base) {
  FlagMap out;
  rows.for_each([&](Uid uid, FlagLetters flags) {
    if (base.find(uid) != flags) out.set(uid, flags);
  });
  return out;
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
