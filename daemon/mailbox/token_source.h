// How a TokenKeeper comes by a new access token. Values.
#pragma once

#include "oauth/app_grant.h"

#include <optional>
#include <string>

namespace mailmoor::mailbox {

struct TokenSource {
  // Empty: a person signed in, and the refresh token that this gave brings the next ones. Otherwise the app asks for
  // each by itself: there is no refresh token, nobody can sign in, and nothing is in the vault, since a bearer token
  // that can be had again at any time is better not kept; after a restart the first one also shows what an
  // administrator has granted meanwhile.
  std::optional<oauth::AppGrant> app_grant;
  std::string user; // kServiceAccount: in whose name

  [[nodiscard]] bool needs_person() const noexcept { return !app_grant; }
};

} // namespace mailmoor::mailbox
