#include "sync/renames.h"

#include <algorithm>

namespace mailmoor::sync {

bool may_be_renamed(const RecordedFolder& recorded, const FolderState& now_there) {
  if (!recorded.validity || recorded.validity != now_there.uid_validity) return false;
  if (recorded.known.empty() || now_there.messages == 0) return false;
  if (!now_there.uid_next) return true;
  // UIDs are not given twice (RFC 9051 §2.3.1.1).
  if (*recorded.known.max() >= *now_there.uid_next) return false;
  return !recorded.state || !recorded.state->uid_next || *recorded.state->uid_next <= *now_there.uid_next;
}

UidSet spread(const UidSet& uids, std::size_t count) {
  const std::uint64_t size = uids.size();
  if (size <= count) return uids;
  UidSet out;
  std::uint64_t at = 0;
  std::uint64_t taken = 0;
  uids.for_each([&](Uid uid) {
    // The taken-th of `count` positions between the first and the last.
    if (taken < count && at++ == taken * (size - 1) / std::max<std::uint64_t>(count - 1, 1)) {
      out.insert(uid);
      ++taken;
    }
  });
  return out;
}

bool bears_out(std::span<const SampledFile> sample, std::span<const MessageOnServer> there) {
  std::size_t equal = 0;
  for (const SampledFile& sampled : sample) {
    const auto message = std::ranges::find(there, sampled.uid, &MessageOnServer::uid);
    if (message == there.end()) continue;
    if (!message->date || *message->date != sampled.file.date) return false;
    if (!message->size || !are_close(*message->size, sampled.file.size)) return false;
    ++equal;
  }
  return equal != 0 && equal * 2 >= sample.size();
}

Renames settle_renames(const NamePairs& fitting) {
  std::map<std::string, int> uses_of_old, uses_of_new;
  for (const auto& [before, now] : fitting) {
    ++uses_of_old[before];
    ++uses_of_new[now];
  }
  Renames renames;
  for (const auto& pair : fitting) {
    const bool is_certain = uses_of_old[pair.first] == 1 && uses_of_new[pair.second] == 1;
    (is_certain ? renames.certain : renames.ambiguous).push_back(pair);
  }
  // A parent's name is the beginning of its children's.
  std::ranges::sort(renames.certain, {}, &std::pair<std::string, std::string>::second);
  return renames;
}

} // namespace mailmoor::sync
