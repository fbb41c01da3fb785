#include "oauth/service_account.h"

#include "oauth/client_proof.h"
#include "oauth/form.h"
#include "oauth/json_reply.h"
#include "oauth/jwt.h"
#include "oauth/shown_text.h"
#include "util/concat.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace mailmoor::oauth {

namespace {

using Json = nlohmann::ordered_json;

std::unexpected<Error> invalid(std::string what) {
  return fail(ErrorKind::kOperator, "service_account_key_invalid", std::move(what),
              "make a key of type JSON under IAM & Admin → Service Accounts → Keys, and give that file as it is");
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// Text of the configuration may hold bytes that are no UTF-8: shown as such, never thrown at.
std::string dumped(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

} // namespace

Result<ServiceAccount> ServiceAccount::parse(std::string_view text) {
  JsonReply json = JsonReply::parse(text);
  if (!json.is_object()) return invalid("it is no JSON object");
  const std::string_view type = json.text("type");
  if (type.empty()) return invalid("it is no key of a service account: it has no \"type\"");
  if (type != "service_account")
    return invalid(concat("it is a key of type \"", shown_text(type, 64), "\", not of a service account"));
  const std::string email(json.text("client_email"));
  if (!is_plain(email)) return invalid("it has no \"client_email\"");
  const std::string token_uri(json.text("token_uri"));
  if (!token_uri.empty() && !is_endpoint_url(token_uri))
    return invalid(concat("its \"token_uri\" is not a URL that a proof may be sent to: ", shown_text(token_uri, 256)));
  const Secret pem = json.take_secret("private_key");
  if (pem.empty()) return invalid("it has no \"private_key\"");
  auto key = SigningKey::parse(pem.reveal());
  if (!key) return pass(std::move(key).error());
  return ServiceAccount{*std::move(key), std::string(json.text("private_key_id")), email, token_uri};
}

// Google reads no "nbf" and wants "exp" within an hour of "iat": the latter is dated back instead.
Result<TokenRequest> service_account_request(const ClientRegistration& client, std::string_view user, UnixTime now) {
  const ServiceAccount& account = *client.service_account;
  Json header{{"alg", algorithm_name(SigningAlgorithm::kRs256)}, {"typ", "JWT"}};
  if (!account.key_id.empty()) header["kid"] = account.key_id;
  const Json claims{{"iss", account.client_email},
                    {"sub", user},
                    {"scope", joined_scopes(client.scopes)},
                    {"aud", client.endpoints.token},
                    {"iat", (now - kAssertionBackdate).time_since_epoch().count()},
                    {"exp", (now + kAssertionLife).time_since_epoch().count()}};
  const Result<Secret> assertion = sign_jwt(account.key, SigningAlgorithm::kRs256, dumped(header), dumped(claims));
  if (!assertion) return pass(assertion.error());
  return jwt_bearer_request(client.endpoints.token, *assertion);
}

} // namespace mailmoor::oauth
