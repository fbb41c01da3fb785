// The certificates of a bundle, each parsed when a peer is first verified that names it. OpenSSL takes some 20 ms and
// 3 MB for the 140 of a distribution, of which a server needs one.
#pragma once

#include <string>

struct x509_store_st;

namespace mailmoor::net {

// Lets `store` find the certificates of the PEM file `path`, and keep those that were looked for. The file is read now:
// what becomes of it later does not matter. Blocking. Empty: done; else the reason why not.
// REQUIRES: `store` is nobody else's yet, and has all that it is to have besides.
[[nodiscard]] std::string add_authorities_blocking(x509_store_st* store, const std::string& path);

} // namespace mailmoor::net
