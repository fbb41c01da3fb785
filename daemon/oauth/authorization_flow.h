// One sign-in by authorization code with PKCE (RFC 6749 §4.1, RFC 7636, RFC 8252) as a machine without socket, clock or
// source of randomness. The owner has url() opened in a browser, hands in what the browser was redirected with, and
// sends the request that comes out.
// States: waiting for the redirect → answered (a code is redeemed once, RFC 6749 §4.1.2).
#pragma once

#include "oauth/client.h"
#include "oauth/client_proof.h"
#include "oauth/redirect_reply.h"
#include "oauth/request.h"
#include "util/result.h"
#include "util/secret.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::oauth {

// What to ask the authorization endpoint for, beside what the registration says.
struct AuthorizationWishes {
  std::string redirect_uri;                                    // RFC 8252 §7.3
  std::string login_hint;                                      // OpenID Connect Core §3.1.2.1; empty: none
  std::vector<std::pair<std::string, std::string>> parameters; // the provider's own
  std::string issuer; // who must have answered, where the answer says who did (RFC 9207); empty: anyone
};

// RFC 7636 §4.2: BASE64URL(SHA256(ASCII(verifier))).
[[nodiscard]] std::string s256_challenge(std::string_view verifier);

class AuthorizationFlow final {
 public:
  // 32 for the verifier as RFC 7636 §7.1 has it, 32 for the state (RFC 6749 §10.10 asks for 16 at least).
  static constexpr std::size_t kRandomBytes = 64;

  // `random`: kRandomBytes from a source that nobody can predict. REQUIRES: endpoints.authorization is not empty.
  AuthorizationFlow(const ClientRegistration& client, AuthorizationWishes wishes, const Secret& random);

  // The address to open. Who has it can sign in into the place of another: for the operator's eyes only.
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  // Whether the reply belongs to this sign-in: its state is ours, compared in constant time (RFC 6749 §10.12).
  [[nodiscard]] bool is_answered_by(const RedirectReply& reply) const noexcept { return reply.state == state_; }
  // The request that redeems the code, or what the server said instead. After that nothing more is taken.
  // REQUIRES: is_answered_by(reply). Errors: "redirect_used", "wrong_issuer", and those of to_error(Refusal).
  [[nodiscard]] Result<TokenRequest> redeem(const ClientRegistration& client, const ClientProof& proof,
                                            const RedirectReply& reply);

 private:
  AuthorizationWishes wishes_;
  Secret verifier_;
  Secret state_;
  std::string url_;
  bool is_answered_ = false;
};

} // namespace mailmoor::oauth
