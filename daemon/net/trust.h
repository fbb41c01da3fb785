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
  // The system's authorities: $SSL_CERT_FILE if set, else the distribution's bundle, else OpenSSL's default places.
  // A non-empty `extra_ca_file` (PEM) adds its certificates. Errors: kOperator, naming the file.
  [[nodiscard]] static Result<std::shared_ptr<const Trust>> load_blocking(const std::string& extra_ca_file);

  ~Trust();
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;

  [[nodiscard]] x509_store_st* store() const noexcept { return store_; }
  // For libcurl: the bundle's path, or all certificates as one PEM text when there is an extra file.
  [[nodiscard]] const std::string& bundle_path() const noexcept { return bundle_path_; }
  [[nodiscard]] const std::string& bundle_pem() const noexcept { return bundle_pem_; }

 private:
  Trust() = default;
  x509_store_st* store_ = nullptr;
  std::string bundle_path_;
  std::string bundle_pem_;
};

// shared_ptr: every stream that is being verified and the mailbox's settings hold it; a reload may drop either first.
using SharedTrust = std::shared_ptr<const Trust>;

} // namespace mailmoor::net
