#include "oauth/request.h"

#include "oauth/form.h"

namespace mailmoor::oauth {

TokenRequest device_authorization_request(const ClientRegistration& client, const ClientProof& proof) {
  return post_client_form(client.endpoints.device_authorization, /*grant_type=*/{}, client, proof,
                          {{"scope", joined_scopes(client.scopes)}});
}

TokenRequest device_token_request(const ClientRegistration& client, const ClientProof& proof,
                                  const Secret& device_code) {
  return post_client_form(client.endpoints.token, "urn:ietf:params:oauth:grant-type:device_code", client, proof,
                          {{"device_code", device_code.reveal()}});
}

TokenRequest refresh_request(const ClientRegistration& client, const ClientProof& proof, const Secret& refresh_token) {
  return post_client_form(client.endpoints.token, "refresh_token", client, proof,
                          {{"refresh_token", refresh_token.reveal()}});
}

TokenRequest authorization_code_request(const ClientRegistration& client, const ClientProof& proof, const Secret& code,
                                        const std::string& redirect_uri, const Secret& verifier) {
  return post_client_form(
      client.endpoints.token, "authorization_code", client, proof,
      {{"code", code.reveal()}, {"redirect_uri", redirect_uri}, {"code_verifier", verifier.reveal()}});
}

TokenRequest client_credentials_request(const ClientRegistration& client, const ClientProof& proof) {
  return post_client_form(client.endpoints.token, "client_credentials", client, proof,
                          {{"scope", joined_scopes(client.scopes)}});
}

TokenRequest jwt_bearer_request(const std::string& token_endpoint, const Secret& assertion) {
  return post_form(token_endpoint,
                   {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", assertion.reveal()}});
}

} // namespace mailmoor::oauth
