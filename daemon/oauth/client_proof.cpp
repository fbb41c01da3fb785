#include "oauth/client_proof.h"

#include "oauth/jwt.h"
#include "util/base64.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace mailmoor::oauth {

namespace {

// The members stay in the order of their making. A client_id is VSCHAR (check_registration), so dump() never throws.
using Json = nlohmann::ordered_json;

// Entra finds the certificate by its thumbprint: the SHA-256 one with PS256, the SHA-1 one with RS256.
std::string header_of(const ClientCertificate& certificate, SigningAlgorithm algorithm) {
  Json header{{"alg", algorithm_name(algorithm)}, {"typ", "JWT"}};
  if (algorithm == SigningAlgorithm::kRs256)
    header["x5t"] = base64url_encode(certificate.sha1);
  else
    header["x5t#S256"] = base64url_encode(certificate.sha256);
  return header.dump();
}

} // namespace

// RFC 7523 §3: iss and sub are the client_id, aud is the token endpoint, whatever endpoint the request goes to.
Result<ClientProof> prove_client(const ClientRegistration& client, UnixTime now, std::string_view jti) {
  if (!client.certificate) return ClientProof();
  const auto at = [now](std::chrono::seconds offset) { return (now + offset).time_since_epoch().count(); };
  const Json claims{{"aud", client.endpoints.token},  {"iss", client.client_id},
                    {"sub", client.client_id},        {"jti", jti},
                    {"nbf", at(-kAssertionBackdate)}, {"iat", at(std::chrono::seconds(0))},
                    {"exp", at(kAssertionLife)}};
  Result<Secret> assertion = sign_jwt(client.certificate->key, client.assertion_algorithm,
                                      header_of(*client.certificate, client.assertion_algorithm), claims.dump());
  if (!assertion) return pass(std::move(assertion).error());
  ClientProof proof;
  proof.client_assertion = *std::move(assertion);
  return proof;
}

} // namespace mailmoor::oauth
