#include "oauth/client.h"

#include "oauth/url.h"
#include "util/concat.h"
#include "util/loopback_host.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mailmoor::oauth {

namespace {

// VSCHAR = %x20-7E (RFC 6749 Appendix A)
bool is_vschar(char c) {
  return c >= ' ' && c <= '~';
}
// scope-token = 1*NQCHAR, NQCHAR = %x21 / %x23-5B / %x5D-7E
bool is_nqchar(char c) {
  return c > ' ' && c <= '~' && c != '"' && c != '\\';
}

std::unexpected<Error> misconfigured(const ClientRegistration& client, std::string_view what, std::string remedy) {
  return fail(ErrorKind::kApp, "app_misconfigured", concat("app ", client.app_name, ": ", what), std::move(remedy));
}

} // namespace

bool is_endpoint_url(std::string_view url) noexcept {
  const auto parts = parse_web_url(url);
  // RFC 6749 §3.1, §3.2: no fragment.
  return parts && (parts->is_https || is_loopback_host(parts->host)) && !parts->path.contains('#');
}

Status check_registration(const ClientRegistration& client) {
  const Endpoints& at = client.endpoints;
  if (at.token.empty()) return misconfigured(client, "no token endpoint is known", "give token_endpoint or issuer");
  const std::pair<std::string_view, std::string_view> endpoints[] = {
      {"issuer", at.issuer},
      {"device_authorization_endpoint", at.device_authorization},
      {"authorization_endpoint", at.authorization},
      {"token_endpoint", at.token}};
  for (const auto& [name, url] : endpoints) {
    if (!url.empty() && !is_endpoint_url(url))
      return misconfigured(client, concat(name, " is not a URL that secrets may be sent to"),
                           "use an absolute https:// URL (http:// only to this host)");
  }
  if (client.client_id.empty() || !std::ranges::all_of(client.client_id, is_vschar))
    return misconfigured(client, "client_id is empty or has characters outside ASCII", "copy it from the registration");
  if (!std::ranges::all_of(client.client_secret.reveal(), is_vschar))
    return misconfigured(client, "client_secret has control characters or characters outside ASCII",
                         "check the secret's file for a line end or a byte order mark");
  for (const std::string& scope : client.scopes) {
    if (scope.empty() || !std::ranges::all_of(scope, is_nqchar))
      return misconfigured(client, "a scope is empty or has blanks or quotes", "give one scope per list entry");
  }
  return {};
}

} // namespace mailmoor::oauth
