#include "net/trust.h"

#include "util/concat.h"
#include "util/may_block.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

namespace mailmoor::net {
namespace {

constexpr std::array kBundles = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

[[nodiscard]] std::string find_bundle() {
  const char* const given = std::getenv("SSL_CERT_FILE"); // NOLINT(concurrency-mt-unsafe): nobody changes it
  if (given != nullptr && *given != '\0') return given;
  for (const char* path : kBundles)
    if (::access(path, R_OK) == 0) return path;
  return X509_get_default_cert_file();
}

// Empty: `path` was read. Else the reason why not.
[[nodiscard]] std::string add_from(X509_STORE* store, const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) return errno_text(errno);
  const bool added = X509_STORE_load_file(store, path.c_str()) == 1;
  ERR_clear_error();
  return added ? "" : "no PEM certificate in it";
}

} // namespace

Trust::Trust() : store_(X509_STORE_new()) {
  if (store_ == nullptr) throw std::bad_alloc();
}

Trust::~Trust() {
  X509_STORE_free(store_);
}

Result<SharedTrust> Trust::load_blocking(const std::string& extra_ca_file) {
  assert_may_block();
  std::shared_ptr<Trust> trust(new Trust);
  const std::string bundle = find_bundle();
  const std::string without_bundle = add_from(trust->store_, bundle);
  if (!without_bundle.empty() && extra_ca_file.empty())
    return fail(ErrorKind::kOperator, "no_trusted_authorities",
                concat("cannot read the system's certificate authorities from ", bundle, ": ", without_bundle),
                "install the package ca-certificates");
  if (extra_ca_file.empty()) return trust;
  if (const std::string why = add_from(trust->store_, extra_ca_file); !why.empty())
    return fail(ErrorKind::kOperator, "bad_ca_file", concat("ca_file ", extra_ca_file, ": ", why),
                "give a file with the authority's certificate in PEM form, readable by mailmoord");
  return trust;
}

} // namespace mailmoor::net
