// What OpenSSL thinks of a peer's certificate, in words. For the .cpp files of this room.
#pragma once

#include "net/tls_facts.h"
#include "util/error.h"

#include <string>

struct ssl_st;

namespace mailmoor::net {

// REQUIRES: the handshake is complete.
[[nodiscard]] TlsFacts tls_facts_of(const ssl_st* ssl);

// Why the certificate of `peer` ("host:port") was refused for the name `host`, and what to do about just that: kHost
// "tls_untrusted". REQUIRES: SSL_get_verify_result() is not X509_V_OK.
[[nodiscard]] Error untrusted_peer(const ssl_st* ssl, const std::string& peer, const std::string& host);

} // namespace mailmoor::net
