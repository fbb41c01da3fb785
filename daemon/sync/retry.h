// Messages that were asked for and did not come ("poison"): each waits on its own schedule and stops nobody else.
// Exchange lists messages that it will not hand out; most of them come later, some never do. Pure functions.
#pragma once

#include "model/uid_set.h"
#include "util/time_text.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace mailmoor::sync {

struct RetryRecord {
  Uid uid;
  std::uint32_t strikes = 0; // times that it was asked for and did not come; at least 1
  UnixTime next_try;
  std::string reason; // of the latest strike, for people

  friend bool operator==(const RetryRecord&, const RetryRecord&) = default;
};

// Sorted by UID, one record a UID.
using RetryRecords = std::vector<RetryRecord>;

// How long after strike number `strikes`: 10 min, 1 h, 6 h, 24 h, then a week each. REQUIRES: strikes ≥ 1.
[[nodiscard]] std::chrono::seconds retry_delay(std::uint32_t strikes) noexcept;

[[nodiscard]] UidSet uids_of(const RetryRecords& records);
// The UIDs whose time has come.
[[nodiscard]] UidSet due(const RetryRecords& records, UnixTime now);

// How a UID FETCH ended. A tagged BAD is none of these: the command was wrong, not a message.
enum class FetchEnd {
  kTagged,     // OK or NO: what did not come will not come now
  kLost,       // the connection went while it ran
  kNotReached, // the connection went while an earlier command ran: says nothing about these messages
};

struct Accounts {
  UidSet ask_alone;    // missing from an answer about several: to be asked for one at a time, at once
  RetryRecords struck; // to be added to the records, or to replace theirs
};

// What follows for the UIDs of one command. `arrived`: those whose bodies came whole, whatever became of them here (a
// full disk is not the message's fault). A UID missing from a tagged answer gets a strike when it was asked for alone.
// When the connection was lost, the lowest one that had not arrived gets the strike, since servers answer in ascending
// order: the first two are asked for again at once, alone; from the third the schedule holds, so that a message that
// kills the session cannot do so for ever.
[[nodiscard]] Accounts account_for(const UidSet& requested, const UidSet& arrived, FetchEnd end,
                                   const RetryRecords& records, UnixTime now, const std::string& reason);

} // namespace mailmoor::sync
