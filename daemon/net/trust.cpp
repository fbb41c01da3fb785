#include "net/trust.h"

#include "util/concat.h"
#include "util/may_block.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

namespace mailmoor::net {
namespace {

constexpr std::array kBundles = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

[[nodiscard]] std::string find_bundle() {
  if (const char* given = std::getenv("SSL_CERT_FILE"); given != nullptr && *given != '\0')
    return given; // NOLINT(concurrency-mt-unsafe)
  for (const char* path : kBundles)
    if (::access(path, R_OK) == 0) return path;
  return {};
}

[[nodiscard]] std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

Trust::~Trust() {
  X509_STORE_free(store_);
}

Result<SharedTrust> Trust::load_blocking(const std::string& extra_ca_file) {
  assert_may_block();
  std::shared_ptr<Trust> trust(new Trust);
  trust->store_ = X509_STORE_new();
  trust->bundle_path_ = find_bundle();
  const bool loaded = trust->bundle_path_.empty()
                          ? X509_STORE_set_default_paths(trust->store_) == 1
                          : X509_STORE_load_file(trust->store_, trust->bundle_path_.c_str()) == 1;
  // A machine without the system's bundle can still talk to servers of an authority given by file.
  if (!loaded && extra_ca_file.empty())
    return fail(ErrorKind::kOperator, "no_trusted_authorities",
                concat("cannot read the system's certificate authorities", trust->bundle_path_.empty() ? "" : " from ",
                       trust->bundle_path_),
                "install the package ca-certificates");
  if (!extra_ca_file.empty()) {
    if (X509_STORE_load_file(trust->store_, extra_ca_file.c_str()) != 1) {
      ERR_clear_error();
      return fail(ErrorKind::kOperator, "bad_ca_file",
                  concat("ca_file ", extra_ca_file, " has no readable PEM certificate"),
                  "give a file with the authority's certificate in PEM form, readable by mailmoord");
    }
    trust->bundle_pem_ = concat(read_file(trust->bundle_path_), "\n", read_file(extra_ca_file));
  }
  ERR_clear_error();
  return trust;
}

} // namespace mailmoor::net
