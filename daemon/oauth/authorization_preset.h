// What the providers want of an authorization request beside the RFCs. Values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::oauth {

struct AuthorizationPreset {
  std::string_view redirect_host; // of http://HOST:PORT, as registrations of the provider have it
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string_view issuer; // empty: what the configuration says
};

// Entra ignores the port of http://localhost, which is what its portal registers; 127.0.0.1 it knows only by hand.
// select_account: or who signs in for many mailboxes is silently taken for the one whom the browser remembers.
[[nodiscard]] AuthorizationPreset microsoft_authorization();
// A refresh token comes with access_type=offline, and for the second time only with prompt=consent.
[[nodiscard]] AuthorizationPreset google_authorization();
// RFC 8252 §7.3, §8.3. With offline_access among the scopes OpenID Connect Core §11 wants prompt=consent.
[[nodiscard]] AuthorizationPreset custom_authorization(const std::vector<std::string>& scopes);

} // namespace mailmoor::oauth
