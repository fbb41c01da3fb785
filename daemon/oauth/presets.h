// What the providers publish about themselves: endpoints, scopes, IMAP hosts. Every value can be overridden in the
// configuration. The table is in presets.cpp.
#pragma once

#include "oauth/client.h"

#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::oauth {

enum class MicrosoftCloud { kGlobal, kGccHigh, kDod, kChina };

// `tenant`: a GUID, a domain, "organizations", "consumers" or "common". `authority`: empty for the cloud's own.
[[nodiscard]] Endpoints microsoft_endpoints(MicrosoftCloud cloud, std::string_view tenant,
                                            std::string_view authority = {});
// Delegated: IMAP.AccessAsUser.All and offline_access, all of one resource (mixed ones are refused, AADSTS70011).
[[nodiscard]] std::vector<std::string> microsoft_scopes(MicrosoftCloud cloud);
// App-only (client credentials): the resource's ".default".
[[nodiscard]] std::vector<std::string> microsoft_app_scopes(MicrosoftCloud cloud);
[[nodiscard]] std::string_view microsoft_imap_host(MicrosoftCloud cloud) noexcept;

// No device authorization endpoint: Google's device flow refuses every mail scope (invalid_scope).
[[nodiscard]] Endpoints google_endpoints();
[[nodiscard]] std::vector<std::string> google_scopes();
[[nodiscard]] std::string_view google_imap_host() noexcept;

} // namespace mailmoor::oauth
