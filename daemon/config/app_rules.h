// What goes together in an app: which keys a provider and a grant need, and which mean nothing there.
#pragma once

#include "config/config.h"
#include "config/section.h"

#include <string_view>

namespace mailmoor::config {

// Whether `scope` can lead to a token that opens a mailbox; `entry` is told why not. REQUIRES: provider, cloud and
// grant of `app` are read.
[[nodiscard]] bool is_right_scope(const Value& entry, std::string_view scope, const App& app);

// Reports every key that is missing or out of place. REQUIRES: `app` is read from `section`, its provider known.
void check_app(const Section& section, const App& app);

} // namespace mailmoor::config
