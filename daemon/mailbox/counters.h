// What the daemon has counted since its start, for the metrics. Built once by main; loop thread only.
#pragma once

#include "util/error.h"
#include "util/histogram.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace mailmoor::mailbox {

struct Counters {
  struct OfMailbox {
    std::uint64_t delivered = 0; // messages that are durable in the Maildir
    std::uint64_t octets = 0;    // of message bodies, as the server sent them
  };
  std::map<std::string, OfMailbox, std::less<>> mailboxes; // by name; outlives a mailbox that a reload changes
  std::map<ErrorKind, std::uint64_t> errors;               // each try that failed
  Histogram loop_lag;                                      // how long the loop was busy, each turn; seconds

  void count(const Error& error) { ++errors[error.kind]; }
};

} // namespace mailmoor::mailbox
