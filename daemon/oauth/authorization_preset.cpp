#include "oauth/authorization_preset.h"

#include <algorithm>

namespace mailmoor::oauth {

AuthorizationPreset microsoft_authorization() {
  return {.redirect_host = "localhost",
          .parameters = {{"response_mode", "query"}, {"prompt", "select_account"}},
          .issuer = {}};
}

AuthorizationPreset google_authorization() {
  return {.redirect_host = "127.0.0.1",
          .parameters = {{"access_type", "offline"}, {"prompt", "consent"}},
          .issuer = "https://accounts.google.com"};
}

AuthorizationPreset custom_authorization(const std::vector<std::string>& scopes) {
  AuthorizationPreset preset{.redirect_host = "127.0.0.1", .parameters = {}, .issuer = {}};
  if (std::ranges::find(scopes, "offline_access") != scopes.end()) preset.parameters.emplace_back("prompt", "consent");
  return preset;
}

} // namespace mailmoor::oauth
