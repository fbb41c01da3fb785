#include "model/left_out.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mailmoor {

UidSet LeftOut::uids() const {
  UidSet all = too_old;
  for (const LargeMessage& message : too_large)
    all.insert(message.uid);
  return all;
}

void LeftOut::remove(const UidSet& uids) {
  too_old = too_old.minus(uids);
  if (too_old.empty()) earliest.reset();
  std::erase_if(too_large, [&uids](const LargeMessage& message) { return uids.contains(message.uid); });
}

void LeftOut::add(const LeftOut& later) {
  remove(later.uids());
  too_old.insert(later.too_old);
  if (later.earliest && (!earliest || *earliest < *later.earliest)) earliest = later.earliest;
  std::vector<LargeMessage> merged;
  merged.reserve(too_large.size() + later.too_large.size());
  std::ranges::merge(too_large, later.too_large, std::back_inserter(merged), {}, &LargeMessage::uid,
                     &LargeMessage::uid);
  too_large = std::move(merged);
}

} // namespace mailmoor
