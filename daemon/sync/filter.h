// Which messages of a folder a mailbox wants at all: by when they came (INTERNALDATE) and by how large they are
// (RFC822.SIZE). Pure functions. The server's SEARCH is not asked: Exchange's misses messages.
//
// A message outside is left out: not fetched, not asked for again, not behind. What a filter leaves out is remembered
// with the reason, so that a filter that is widened later brings it. What was delivered once is no filter's business
// any more: it stays when a filter is narrowed, and when it grows older than max_age.
#pragma once

#include "model/left_out.h"
#include "util/time_text.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace mailmoor::sync {

struct Filter {
  std::optional<UnixTime> since;               // what came before is outside
  std::optional<std::chrono::seconds> max_age; // the same, by the clock
  std::optional<std::uint64_t> max_size;       // octets; what is larger is outside

  [[nodiscard]] bool is_set() const noexcept { return since || max_age || max_size; }
  // From when on messages are inside; empty: all are. That of max_age moves once a day, at midnight UTC: it does not
  // go back when the clock is set back by a moment, and leaves nothing out that is not older than max_age.
  [[nodiscard]] std::optional<UnixTime> earliest(UnixTime now) const;

  friend bool operator==(const Filter&, const Filter&) = default;
};

// What UID FETCH (INTERNALDATE RFC822.SIZE) told; empty: it did not.
struct Summary {
  Uid uid;
  std::optional<UnixTime> internal_date;
  std::optional<std::uint64_t> size; // octets
};

// Those outside. What the server does not tell about a message leaves it inside: rather one too many than one lost.
[[nodiscard]] LeftOut judge(const Filter& filter, UnixTime now, const std::vector<Summary>& summaries);

// Of `left_out`, what may be inside now since the filter is wider, or the clock was wrong: to be judged anew. Asks
// nothing of the server; a narrower filter readmits nothing.
[[nodiscard]] UidSet readmitted(const LeftOut& left_out, const Filter& filter, UnixTime now);

} // namespace mailmoor::sync
