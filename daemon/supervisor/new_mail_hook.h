// When the hook new_mail is called: once a pass that brought messages is over, with how many there are since the last
// call. A long first sync calls it once, at its end. What was not told when the daemon ends is not told later: the
// messages lie in the Maildir, and the next call of an indexer finds them.
// Owned by the fleet, which shows it everything every few seconds. Loop thread only.
#pragma once

#include "supervisor/hook_runner.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mailmoor::supervisor {

// A mailbox, as of now.
struct Arrivals {
  std::string mailbox;
  std::string maildir;         // absolute
  std::uint64_t delivered = 0; // in this run of the daemon
  bool is_receiving = false;   // a pass is under way: more may come
};

class NewMailHook final {
 public:
  explicit NewMailHook(HookRunner& runner) : runner_(runner) {}
  NewMailHook(const NewMailHook&) = delete;
  NewMailHook& operator=(const NewMailHook&) = delete;

  // `argv`: empty when no hook is configured; what arrives then is never told. A mailbox that is not shown is
  // forgotten.
  void look(const std::vector<std::string>& argv, const std::vector<Arrivals>& mailboxes);

 private:
  struct Told {
    std::uint64_t delivered = 0; // by the last call
    bool calling = false;
  };
  HookRunner& runner_;
  // shared_ptr: this object and a call under way, which may end after its mailbox went.
  std::map<std::string, std::shared_ptr<Told>> told_;
};

} // namespace mailmoor::supervisor
