// An order to verify a mailbox, and how far it is. Owned by the mailbox, which carries it out; it outlives sessions.
// Loop thread only.
#pragma once

#include "mailbox/folder_verification.h"
#include "model/verification.h"
#include "runtime/loop.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace mailmoor::mailbox {

struct Verification {
  Verification(VerifyRequest request_in, VerificationListener listener_in)
      : request(request_in), listener(std::move(listener_in)) {}

  // Told to the listener, which is called once at most after this.
  void end(Result<VerifySummary> outcome) {
    if (std::exchange(is_over, true)) return;
    const VerificationListener last = std::exchange(listener, {});
    if (last.on_end) last.on_end(std::move(outcome));
  }

  VerifyRequest request;
  VerificationListener listener; // empty once it is over, or nobody waits any more
  bool has_begun = false;
  bool is_over = false;
  std::deque<std::string> wires;              // of the folders that are to come, the present one first
  std::unique_ptr<FolderVerification> folder; // the present one
  UidSet repaired;                            // of it: tried to
  VerifySummary summary;
  runtime::MonoTime told_at{}; // the last progress
  VerifyProgress told;
};

} // namespace mailmoor::mailbox
