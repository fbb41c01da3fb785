// The messages of a folder that the mailbox's filters leave out: on the server, not here, and not to be fetched.
// A value type; any thread, one at a time.
#pragma once

#include "model/uid_set.h"
#include "util/time_text.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace mailmoor {

struct LargeMessage {
  Uid uid;
  std::uint64_t size; // octets, as RFC822.SIZE tells: Exchange estimates it

  friend bool operator==(const LargeMessage&, const LargeMessage&) = default;
};

struct LeftOut {
  UidSet too_old;
  std::optional<UnixTime> earliest;    // all of too_old came before it; set if and only if there are any
  std::vector<LargeMessage> too_large; // ascending by UID, one each; disjoint from too_old

  [[nodiscard]] bool empty() const noexcept { return too_old.empty() && too_large.empty(); }
  [[nodiscard]] UidSet uids() const;
  // What `later` says of a message takes the place of what was said before.
  void add(const LeftOut& later);
  void remove(const UidSet& uids);

  friend bool operator==(const LeftOut&, const LeftOut&) = default;
};

} // namespace mailmoor
