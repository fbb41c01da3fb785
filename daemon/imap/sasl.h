// How we log in: the SASL messages of XOAUTH2, OAUTHBEARER and PLAIN, byte for byte, and the choice among them. Pure.
#pragma once

#include "imap/capabilities.h"
#include "util/result.h"
#include "util/secret.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace mailmoor::imap {

enum class SaslMechanism {
  kXoauth2,
  kOauthbearer,  // RFC 7628
  kPlain,        // RFC 4616
  kLoginCommand, // no SASL: the LOGIN command of RFC 9051 §6.2.3
};

// "XOAUTH2", "OAUTHBEARER", "PLAIN", "LOGIN".
[[nodiscard]] std::string_view sasl_mechanism_name(SaslMechanism mechanism) noexcept;

// The best offer: for a token XOAUTH2 (what Microsoft speaks), then OAUTHBEARER; for a password PLAIN, then the LOGIN
// command unless LOGINDISABLED. A token is preferred to a password. Empty: the server offers nothing that we can use.
[[nodiscard]] std::optional<SaslMechanism> choose_mechanism(const Capabilities& capabilities, bool have_token,
                                                            bool have_password);

struct SaslLogin {
  SaslMechanism mechanism;
  std::string_view user;
  const Secret& secret; // the access token or the password
  // OAUTHBEARER names them to the server (RFC 7628 §3.1).
  std::string_view host;
  std::uint16_t port = 993;
};

// The client's only message, in base64. Fails with kOperator "invalid_credentials" when user, secret or host has an
// octet that would change the message's meaning (NUL, \x01, CR, LF), or the user is empty.
// REQUIRES: mechanism is not kLoginCommand.
[[nodiscard]] Result<Secret> sasl_initial_response(const SaslLogin& login);

// What ends the exchange after the server's error challenge, without CRLF: "" for XOAUTH2, "AQ==" for OAUTHBEARER
// (RFC 7628 §3.2.3), "*" (cancel) for those that have no such challenge.
[[nodiscard]] std::string_view sasl_error_reply(SaslMechanism mechanism) noexcept;

// Whether `text` may go into LOGIN and SASL messages.
[[nodiscard]] bool is_safe_credential(std::string_view text) noexcept;

} // namespace mailmoor::imap
