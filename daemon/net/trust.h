// Whom a TLS peer must be vouched for by: the system's certificate authorities, and for one mailbox or app more of
// them from a file. There is no way to trust everyone. Immutable after loading: any thread.
#pragma once

#include "util/result.h"

#include <memory>
#include <string>

struct x509_store_st;

namespace mailmoor::net {

class Trust final {
 public:
  // The system's authorities: $SSL_CERT_FILE if set, else the distribution's bundle, else OpenSSL's default file.
  // A non-empty `extra_ca_file` (PEM) adds its certificates; with it, a machine may have no authorities of its own.
  // Errors: kOperator "no_trusted_authorities", "bad_ca_file", naming the file.
  [[nodiscard]] static Result<std::shared_ptr<const Trust>> load_blocking(const std::string& extra_ca_file);
  // The same out of what extra_authorities() of another process gave.
  [[nodiscard]] static Result<std::shared_ptr<const Trust>> with_authorities_blocking(std::string extra_authorities);

  ~Trust();
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;

  [[nodiscard]] x509_store_st* store() const noexcept { return store_; }
  // What was read from the extra CA file, at most 512 KiB: the authorities go with a request to another process.
  [[nodiscard]] const std::string& extra_authorities() const noexcept { return extra_authorities_; }

 private:
  Trust();
  x509_store_st* store_;
  std::string extra_authorities_;
};

// shared_ptr: every peer that is being verified and the mailbox's settings hold it; a reload may drop either first.
using SharedTrust = std::shared_ptr<const Trust>;

} // namespace mailmoor::net
