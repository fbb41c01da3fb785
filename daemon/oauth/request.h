// The POST requests of RFC 6749, RFC 7523 and RFC 8628 as values; net/ sends them.
// A client secret travels in the body (client_secret_post, RFC 6749 §2.3.1): Entra and Google both document that form.
#pragma once

#include "oauth/client_proof.h"
#include "util/secret.h"

#include <string>
#include <vector>

namespace mailmoor::oauth {

struct Header {
  std::string name;
  std::string value;
};

struct TokenRequest {
  std::string url;
  std::vector<Header> headers; // Content-Type and Accept; never a secret
  Secret body;                 // application/x-www-form-urlencoded; holds secrets: never log it
};

// `proof`: made for this very request by prove_client().
// RFC 8628 §3.1. REQUIRES: endpoints.device_authorization is not empty.
[[nodiscard]] TokenRequest device_authorization_request(const ClientRegistration& client, const ClientProof& proof);
// RFC 8628 §3.4: one poll.
[[nodiscard]] TokenRequest device_token_request(const ClientRegistration& client, const ClientProof& proof,
                                                const Secret& device_code);
// RFC 6749 §6. Sends no scope, which asks for the one that was granted: a user who granted less than `scopes` would
// otherwise be refused with invalid_scope for good.
[[nodiscard]] TokenRequest refresh_request(const ClientRegistration& client, const ClientProof& proof,
                                           const Secret& refresh_token);
// RFC 6749 §4.1.3 with RFC 7636 §4.5. `redirect_uri`: byte for byte what the authorization request had.
[[nodiscard]] TokenRequest authorization_code_request(const ClientRegistration& client, const ClientProof& proof,
                                                      const Secret& code, const std::string& redirect_uri,
                                                      const Secret& verifier);
// RFC 6749 §4.4.2: a token for the client itself, for client.scopes.
[[nodiscard]] TokenRequest client_credentials_request(const ClientRegistration& client, const ClientProof& proof);
// RFC 7523 §2.1: a token for the subject of `assertion`, which proves its issuer: no client_id, no other proof.
[[nodiscard]] TokenRequest jwt_bearer_request(const std::string& token_endpoint, const Secret& assertion);

} // namespace mailmoor::oauth
