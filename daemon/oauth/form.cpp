#include "oauth/form.h"

#include "oauth/form_value.h"
#include "util/concat.h"

#include <cassert>
#include <cstddef>
#include <span>
#include <vector>

namespace mailmoor::oauth {

namespace {

Secret form_body(std::span<const FormField> fields) {
  std::size_t bound = 0;
  for (const auto& [name, value] : fields)
    bound += name.size() + 3 * value.size() + 2;
  Secret body;
  body.reserve(bound);
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!body.empty()) body.push_back('&');
    body.append(name);
    body.push_back('=');
    append_form_encoded(body, value);
  }
  return body;
}

TokenRequest post(const std::string& url, std::span<const FormField> fields) {
  assert(!url.empty());
  return {
      url, {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}}, form_body(fields)};
}

} // namespace

TokenRequest post_form(const std::string& url, std::initializer_list<FormField> fields) {
  return post(url, fields);
}

// A client with an assertion sends no secret beside it (RFC 6749 §2.3: one method in a request).
TokenRequest post_client_form(const std::string& url, std::string_view grant_type, const ClientRegistration& client,
                              const ClientProof& proof, std::initializer_list<FormField> fields) {
  constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"; // RFC 7523 §2.2
  const std::string_view assertion = proof.client_assertion.reveal();
  std::vector<FormField> all{{"grant_type", grant_type},
                             {"client_id", client.client_id},
                             {"client_secret", assertion.empty() ? client.client_secret.reveal() : std::string_view()},
                             {"client_assertion_type", assertion.empty() ? std::string_view() : kJwtBearer},
                             {"client_assertion", assertion}};
  all.insert(all.end(), fields);
  return post(url, all);
}

std::string joined_scopes(const std::vector<std::string>& scopes) {
  std::string out;
  for (const std::string& scope : scopes)
    out += out.empty() ? scope : concat(' ', scope);
  return out;
}

} // namespace mailmoor::oauth
