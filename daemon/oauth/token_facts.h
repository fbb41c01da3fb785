// What an access token says of itself, for diagnosis only: nothing is verified and nothing else may depend on it. To us
// a token is opaque (RFC 6749 §1.4); only the mail server decides. Values; no member holds a piece of the token that
// could be used in its place.
#pragma once

#include "util/time_text.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::oauth {

// The claims of a JWT (RFC 7519 §4.1, RFC 9068 §2.2, Microsoft's access token claims). Texts are made fit to be shown.
struct TokenFacts {
  std::vector<std::string> audiences; // "aud"
  std::vector<std::string> scopes;    // "scp" or "scope": what the user delegated
  std::vector<std::string> roles;     // what the app may do by itself
  std::string tenant;                 // "tid"
  std::string user;                   // "upn", "preferred_username", "unique_name" or "email"; empty: none is named
  std::string app_id;                 // "appid", "azp" or "client_id"
  std::string object_id;              // "oid"; of an app-only token: of the service principal in the tenant
  bool is_app_only = false;           // "idtyp" is "app", or there are roles and no scopes
  std::optional<UnixTime> expires_at; // "exp"
  std::optional<UnixTime> not_before; // "nbf"

  friend bool operator==(const TokenFacts&, const TokenFacts&) = default;
};

// Empty when `token` is no JWT that can be read: three base64url parts, a payload that is one JSON object.
[[nodiscard]] std::optional<TokenFacts> read_token(std::string_view token);

} // namespace mailmoor::oauth
