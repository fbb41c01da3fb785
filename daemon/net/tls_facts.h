// What was agreed on in a TLS handshake, for people. Values.
#pragma once

#include "util/time_text.h"

#include <optional>
#include <string>
#include <vector>

namespace mailmoor::net {

struct TlsFacts {
  std::string version; // "TLSv1.3"
  std::string cipher;
  std::vector<std::string> chain;  // as verified, the server's own first: the subject's common name or organisation
  std::optional<UnixTime> ends_at; // of the certificate in the chain that ends first
};

} // namespace mailmoor::net
