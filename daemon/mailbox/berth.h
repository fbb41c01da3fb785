// A place among the connections to a host or of an app, where those are limited. A value type.
#pragma once

#include "runtime/wait.h"

#include <string_view>

namespace mailmoor::mailbox {

struct Berth {
  runtime::Semaphore* places; // outlives the mailboxes
  std::string_view limit;     // the key of `limits` that says how many there are; a literal

  friend bool operator==(const Berth&, const Berth&) = default;
};

} // namespace mailmoor::mailbox
