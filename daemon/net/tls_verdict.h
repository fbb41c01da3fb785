// What OpenSSL thinks of a peer's certificate, in words. For the .cpp files of this room.
#pragma once

#include "net/tls_facts.h"
#include "util/error.h"

#include <string>

struct ssl_st;

namespace mailmoor::net {

// REQUIRES: the handshake is complete.
[[nodiscard]] TlsFacts tls_facts_of(const ssl_st* ssl);

// Has what speaks against the peer's certificate written to `detail` during the handshake, since OpenSSL does not keep
// a refused certificate. `detail` must outlive the handshake; watch_verdict(ssl, nullptr) ends it.
void watch_verdict(ssl_st* ssl, std::string* detail);

// Why the certificate of `peer` ("host:port") was refused for the name `host`, and what to do about just that: kHost
// "tls_untrusted". REQUIRES: SSL_get_verify_result() is not X509_V_OK.
[[nodiscard]] Error untrusted_peer(const ssl_st* ssl, const std::string& peer, const std::string& host,
                                   const std::string& detail);

} // namespace mailmoor::net
