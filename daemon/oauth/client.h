// Who we are to an authorization server: its endpoints and our registration there (RFC 6749 §2, §3). Values.
#pragma once

#include "oauth/client_certificate.h"
#include "util/result.h"
#include "util/secret.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::oauth {

struct ServiceAccount;

// Absolute URLs, see is_endpoint_url(). An empty one means that the server does not offer it.
struct Endpoints {
  std::string issuer;               // RFC 8414 §2; may be empty when the endpoints were configured by name
  std::string device_authorization; // RFC 8628 §3.1
  std::string authorization;        // RFC 6749 §3.1
  std::string token;                // RFC 6749 §3.2
};

struct ClientRegistration {
  std::string app_name; // the name under `apps:`, for messages
  Endpoints endpoints;
  std::string client_id;
  Secret client_secret; // empty: a public client, which must not send one (AADSTS700025)
  // Instead of a secret; null: none. shared_ptr: the configuration as it was read, and each client made from it.
  std::shared_ptr<const ClientCertificate> certificate;
  SigningAlgorithm assertion_algorithm = SigningAlgorithm::kPs256;
  // Asks for tokens in its users' names; client_id is its address then. Null: none. Shared as the certificate is.
  std::shared_ptr<const ServiceAccount> service_account;
  std::vector<std::string> scopes;
};

// Where we may send a secret: https, or http to a loopback host; a host, no user info, no fragment, printable ASCII.
[[nodiscard]] bool is_endpoint_url(std::string_view url) noexcept;

// Whether requests can be built from it: a token endpoint, secure URLs, characters that the RFC allows in client_id,
// client_secret and scopes (RFC 6749 Appendix A). Fails with kApp, "app_misconfigured".
[[nodiscard]] Status check_registration(const ClientRegistration& client);

} // namespace mailmoor::oauth
