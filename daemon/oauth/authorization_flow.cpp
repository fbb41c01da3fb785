#include "oauth/authorization_flow.h"

#include "oauth/aadsts.h"
#include "oauth/form.h"
#include "oauth/form_value.h"
#include "oauth/refusal.h"
#include "oauth/refusal_table.h"
#include "oauth/shown_text.h"
#include "util/base64.h"
#include "util/concat.h"

#include <openssl/sha.h>

#include <cassert>

namespace mailmoor::oauth {

namespace {

constexpr std::size_t kVerifierBytes = 32;
constexpr std::size_t kMaxDescriptionBytes = 400;

// The URL alphabet without padding: 43 characters for 32 bytes, all of them unreserved (RFC 7636 §4.1).
Secret random_word(std::string_view bytes) {
  std::string word = base64url_encode(bytes);
  Secret secret(word);
  wipe_memory(word.data(), word.size());
  return secret;
}

void append_parameter(std::string& url, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  // RFC 6749 §3.1: the endpoint may have a query of its own, which stays.
  url += url.contains('?') ? '&' : '?';
  append_form_encoded(url, name);
  url += '=';
  append_form_encoded(url, value);
}

// RFC 6749 §4.1.2.1: the same words as the token endpoint's, without an HTTP status of their own.
Error refused(const RedirectReply& reply) {
  Refusal refusal;
  refusal.error = reply.error;
  append_aadsts(refusal.aadsts, std::string_view(reply.error_description));
  constexpr int kBadRequest = 400;
  const Verdict verdict =
      judge({.status = kBadRequest, .error = reply.error, .aadsts = refusal.aadsts, .detail = reply.error_description});
  refusal.kind = verdict.kind;
  refusal.whole_app = verdict.whole_app;
  refusal.remedy = verdict.remedy;
  const std::string shown =
      shown_description(std::string_view(reply.error_description).substr(0, reply.error_description.find("Trace ID:")),
                        kMaxDescriptionBytes);
  refusal.what = concat("the sign-in page answered ", reply.error, shown.empty() ? "" : ": ", shown);
  return to_error(refusal);
}

} // namespace

std::string s256_challenge(std::string_view verifier) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(verifier.data()), verifier.size(), digest);
  return base64url_encode({reinterpret_cast<const char*>(digest), sizeof digest});
}

AuthorizationFlow::AuthorizationFlow(const ClientRegistration& client, AuthorizationWishes wishes, const Secret& random)
    : wishes_(std::move(wishes)), verifier_(random_word(random.reveal().substr(0, kVerifierBytes))),
      state_(random_word(random.reveal().substr(kVerifierBytes))), url_(client.endpoints.authorization) {
  assert(random.size() == kRandomBytes && !url_.empty());
  append_parameter(url_, "response_type", "code");
  append_parameter(url_, "client_id", client.client_id);
  append_parameter(url_, "redirect_uri", wishes_.redirect_uri);
  append_parameter(url_, "scope", joined_scopes(client.scopes));
  append_parameter(url_, "state", state_.reveal());
  append_parameter(url_, "code_challenge", s256_challenge(verifier_.reveal()));
  append_parameter(url_, "code_challenge_method", "S256");
  append_parameter(url_, "login_hint", wishes_.login_hint);
  for (const auto& [name, value] : wishes_.parameters)
    append_parameter(url_, name, value);
}

Result<TokenRequest> AuthorizationFlow::redeem(const ClientRegistration& client, const ClientProof& proof,
                                               const RedirectReply& reply) {
  assert(is_answered_by(reply));
  if (std::exchange(is_answered_, true))
    return fail(ErrorKind::kOperator, "redirect_used", "this sign-in has been answered already");
  // RFC 9207 §2.4: compared as they are; errors come from the same server and are held to the same.
  if (!wishes_.issuer.empty() && !reply.issuer.empty() && reply.issuer != wishes_.issuer)
    return fail(ErrorKind::kOperator, "wrong_issuer",
                concat("the answer names ", shown_text(reply.issuer, kMaxDescriptionBytes), " as its issuer, not ",
                       wishes_.issuer),
                "sign in at the address that was shown, nowhere else; if it lasts, check `issuer`");
  if (!reply.error.empty()) return pass(refused(reply));
  return authorization_code_request(client, proof, reply.code, wishes_.redirect_uri, verifier_);
}

} // namespace mailmoor::oauth
