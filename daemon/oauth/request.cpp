#include "oauth/request.h"

#include "util/concat.h"
#include "util/scope_exit.h"

#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace mailmoor::oauth {

namespace {

using Field = std::pair<std::string_view, std::string_view>;

bool is_form_safe(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
         c == '_' || c == '*';
}

// application/x-www-form-urlencoded (RFC 6749 Appendix B).
void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_form_safe(c))
      out += c;
    else if (c == ' ')
      out += '+';
    else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15U];
    }
  }
}

// Fields without a value are left out: RFC 6749 §3.1 treats them alike, and a public client must not send
// client_secret at all.
Secret form_body(std::initializer_list<Field> fields) {
  std::size_t bound = 0;
  for (const auto& [name, value] : fields)
    bound += name.size() + 3 * value.size() + 2;
  std::string body;
  body.reserve(bound); // never grows, so that no copy stays behind
  const ScopeExit wipe([&body] { wipe_memory(body.data(), body.size()); });
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!body.empty()) body += '&';
    body += name;
    body += '=';
    append_encoded(body, value);
  }
  return Secret(body);
}

TokenRequest post(const std::string& url, std::initializer_list<Field> fields) {
  assert(!url.empty());
  return {
      url, {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}}, form_body(fields)};
}

// scope = scope-token *( SP scope-token ) (RFC 6749 §3.3)
std::string joined(const std::vector<std::string>& scopes) {
  std::string out;
  for (const std::string& scope : scopes)
    out += out.empty() ? scope : concat(' ', scope);
  return out;
}

} // namespace

TokenRequest device_authorization_request(const ClientRegistration& client) {
  return post(client.endpoints.device_authorization, {{"client_id", client.client_id},
                                                      {"client_secret", client.client_secret.reveal()},
                                                      {"scope", joined(client.scopes)}});
}

TokenRequest device_token_request(const ClientRegistration& client, const Secret& device_code) {
  return post(client.endpoints.token, {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                       {"client_id", client.client_id},
                                       {"client_secret", client.client_secret.reveal()},
                                       {"device_code", device_code.reveal()}});
}

TokenRequest refresh_request(const ClientRegistration& client, const Secret& refresh_token) {
  return post(client.endpoints.token, {{"grant_type", "refresh_token"},
                                       {"client_id", client.client_id},
                                       {"client_secret", client.client_secret.reveal()},
                                       {"refresh_token", refresh_token.reveal()}});
}

} // namespace mailmoor::oauth
