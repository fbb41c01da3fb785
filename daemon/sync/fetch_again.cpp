#include "sync/fetch_again.h"

#include <algorithm>

namespace mailmoor::sync {

FolderFacts fetch_again(const RecordedFolder& recorded, const UidSet& uids, UnixTime now) {
  FolderFacts facts;
  if (uids.empty()) return facts;
  facts.known_removed = uids.intersect(recorded.known);
  for (RetryRecord retry : recorded.retries) {
    if (!uids.contains(retry.uid)) continue;
    retry.next_try = std::min(retry.next_try, now);
    facts.retries_set.push_back(std::move(retry));
  }
  if (!recorded.state) return facts; // everything is listed anyway
  // Never claims more than is so: as after a listing that was short, see state_to_record().
  const Uid lowest = *Uid::from(uids.ranges().front().first);
  facts.state = recorded.state;
  facts.state->highest_mod_seq.reset();
  if (!facts.state->uid_next || lowest < *facts.state->uid_next) facts.state->uid_next = lowest;
  facts.covers = recorded.covers;
  return facts;
}

} // namespace mailmoor::sync
