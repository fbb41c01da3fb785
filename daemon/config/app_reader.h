// One entry of "apps:".
#pragma once

#include "config/config.h"
#include "config/value.h"

#include <optional>
#include <string_view>

namespace mailmoor::config {

struct AppDraft {
  App app;
  bool has_proxy = false; // its own word, be it "none"
};

// Reports all that is wrong. `value.key()` is the app's name, already found good.
[[nodiscard]] AppDraft read_app(const Value& value);

// Where the provider's mailboxes are; empty for kCustom. (OAuth endpoints: oauth/presets.h.)
[[nodiscard]] std::string_view provider_imap_host(Provider provider, Cloud cloud) noexcept;

} // namespace mailmoor::config
