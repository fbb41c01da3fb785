// The certificate that an app registration knows its client by, with the key to it. Values; immutable, any thread.
#pragma once

#include "oauth/signing_key.h"
#include "util/result.h"
#include "util/time_text.h"

#include <string>
#include <string_view>

namespace mailmoor::oauth {

struct ClientCertificate {
  SigningKey key;
  std::string sha256;  // of the DER, 32 bytes: "x5t#S256" (RFC 7515 §4.1.8)
  std::string sha1;    // of the DER, 20 bytes: "x5t" (RFC 7515 §4.1.7)
  std::string subject; // one line, safe to show
  UnixTime not_before{};
  UnixTime not_after{};

  // `certificate_pem`: the first certificate in it counts. Errors are kOperator: those of SigningKey::parse(),
  // "certificate_invalid" (none in it, no dates), "certificate_mismatch" (it is for another key).
  [[nodiscard]] static Result<ClientCertificate> parse(std::string_view certificate_pem, std::string_view key_pem);
};

} // namespace mailmoor::oauth
