// One entry of "apps:".
#pragma once

#include "config/config.h"
#include "config/value.h"

namespace mailmoor::config {

struct AppDraft {
  App app;
  bool has_proxy = false; // its own word, be it "none"
};

// Reports all that is wrong. `value.key()` is the app's name, already found good.
[[nodiscard]] AppDraft read_app(const Value& value);

} // namespace mailmoor::config
