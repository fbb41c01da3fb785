// Cuts a set of UIDs into pieces that each fit into one command. Pure.
#pragma once

#include "model/uid_set.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mailmoor::imap {

// Pieces in ascending order, each with at most `max_uids` UIDs, and short enough that the whole UID FETCH command line
// around it has at most `max_bytes` octets. 4,000: Exchange answers longer lines with BAD or hangs up.
// REQUIRES: max_uids ≥ 1, max_bytes ≥ 200.
[[nodiscard]] std::vector<UidSet> split_for_commands(const UidSet& uids, std::uint64_t max_uids,
                                                     std::size_t max_bytes = 4000);

} // namespace mailmoor::imap
