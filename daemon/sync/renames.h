// Whether a folder that a server lists for the first time is one that it does not list any more, under a new name.
// Pure functions. UIDVALIDITY alone says little: Exchange counts it from 1, and others give all folders that were made
// in one second the same. So messages are compared: the same UID must have the same INTERNALDATE and size.
#pragma once

#include "model/folder_state.h"
#include "model/uid_set.h"
#include "sync/planner.h"
#include "sync/rematch.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::sync {

// By what STATUS tells. False: it is another folder.
[[nodiscard]] bool may_be_renamed(const RecordedFolder& recorded, const FolderState& now_there);

// Up to `count` of these, the lowest and the highest among them, the others spread evenly.
[[nodiscard]] UidSet spread(const UidSet& uids, std::size_t count);

struct SampledFile {
  Uid uid;
  MessageOnDisk file;
};
// None of the sample is another message there, and at least half of it is there: the rest may have been expunged since.
[[nodiscard]] bool bears_out(std::span<const SampledFile> sample, std::span<const MessageOnServer> there);

// Old and new names (wire) that fit each other.
using NamePairs = std::vector<std::pair<std::string, std::string>>;
struct Renames {
  NamePairs certain;   // parents before their children
  NamePairs ambiguous; // one of the two fits another, too
};
[[nodiscard]] Renames settle_renames(const NamePairs& fitting);

} // namespace mailmoor::sync
