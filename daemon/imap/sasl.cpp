#include "imap/sasl.h"

#include "util/base64.h"
#include "util/concat.h"

#include <string>

namespace mailmoor::imap {
namespace {

constexpr char kSeparator = '\x01';

// saslname of RFC 5801 §4: "=" and "," are written as =3D and =2C.
[[nodiscard]] std::string to_saslname(std::string_view user) {
  std::string out;
  for (const char c : user) {
    if (c == '=')
      out += "=3D";
    else if (c == ',')
      out += "=2C";
    else
      out.push_back(c);
  }
  return out;
}

// Everything before the secret, and everything after it.
struct Envelope {
  std::string before;
  std::string after;
};

[[nodiscard]] Envelope envelope(const SaslLogin& login) {
  const std::string end(2, kSeparator);
  switch (login.mechanism) {
  case SaslMechanism::kXoauth2: // "user=" user ^A "auth=Bearer " token ^A ^A
    return {concat("user=", login.user, kSeparator, "auth=Bearer "), end};
  case SaslMechanism::kOauthbearer: // RFC 7628 §3.1: gs2-header kvsep *kvpair kvsep
    return {concat("n,a=", to_saslname(login.user), ",", kSeparator, "host=", login.host, kSeparator,
                   "port=", login.port, kSeparator, "auth=Bearer "),
            end};
  case SaslMechanism::kPlain: // RFC 4616 §2: [authzid] NUL authcid NUL passwd
  case SaslMechanism::kLoginCommand: break;
  }
  return {concat('\0', login.user, '\0'), {}};
}

} // namespace

std::string_view sasl_mechanism_name(SaslMechanism mechanism) noexcept {
  switch (mechanism) {
  case SaslMechanism::kXoauth2: return "XOAUTH2";
  case SaslMechanism::kOauthbearer: return "OAUTHBEARER";
  case SaslMechanism::kPlain: return "PLAIN";
  case SaslMechanism::kLoginCommand: break;
  }
  return "LOGIN";
}

std::optional<SaslMechanism> choose_mechanism(const Capabilities& capabilities, bool have_token, bool have_password) {
  if (have_token && capabilities.has_auth("XOAUTH2")) return SaslMechanism::kXoauth2;
  if (have_token && capabilities.has_auth("OAUTHBEARER")) return SaslMechanism::kOauthbearer;
  if (have_password && capabilities.has_auth("PLAIN")) return SaslMechanism::kPlain;
  if (have_password && !capabilities.has("LOGINDISABLED")) return SaslMechanism::kLoginCommand;
  return std::nullopt;
}

bool is_safe_credential(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\0\x01\r\n", 4)) == std::string_view::npos;
}

Result<Secret> sasl_initial_response(const SaslLogin& login) {
  if (login.user.empty() || !is_safe_credential(login.user))
    return fail(ErrorKind::kOperator, "invalid_credentials", "the user name is empty or has control characters",
                "correct `user` or `login_user`");
  if (login.secret.empty() || !is_safe_credential(login.secret.reveal()))
    return fail(ErrorKind::kOperator, "invalid_credentials", "the password or token is empty or has control characters",
                "store it again");
  if (!is_safe_credential(login.host))
    return fail(ErrorKind::kOperator, "invalid_credentials", "the host name has control characters", "correct `host`");
  const Envelope around = envelope(login);
  Secret message(around.before);
  message.append(login.secret.reveal());
  message.append(around.after);
  return base64_encode_secret(message.reveal());
}

std::string_view sasl_error_reply(SaslMechanism mechanism) noexcept {
  switch (mechanism) {
  case SaslMechanism::kXoauth2: return "";
  case SaslMechanism::kOauthbearer: return "AQ==";
  case SaslMechanism::kPlain:
  case SaslMechanism::kLoginCommand: break;
  }
  return "*";
}

} // namespace mailmoor::imap
