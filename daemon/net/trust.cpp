#include "net/trust.h"

#include "net/authorities.h"
#include "util/concat.h"
#include "util/may_block.h"
#include "util/unique_fd.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <new>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>
#include <utility>

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

// More than the largest bundle of a distribution has.
constexpr std::size_t kMaxExtraAuthorities = 512UL * 1024;

// Empty when it cannot be read, or is longer than that.
[[nodiscard]] std::string read_text(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kMaxExtraAuthorities + 1, '\0');
  std::size_t filled = 0;
  ssize_t got = 1;
  while (filled < text.size() && (got = ::read(file.get(), text.data() + filled, text.size() - filled)) > 0)
    filled += static_cast<std::size_t>(got);
  if (got < 0 || filled > kMaxExtraAuthorities) return {};
  text.resize(filled);
  text.shrink_to_fit();
  return text;
}

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

// How many certificates of `pem` are now in `store`.
[[nodiscard]] int add_certificates(X509_STORE* store, const std::string& pem) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int added = 0;
  while (bio) {
    const std::unique_ptr<X509, FreeCertificate> certificate(
        PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate || X509_STORE_add_cert(store, certificate.get()) != 1) break;
    ++added;
  }
  ERR_clear_error(); // the end of the text is one
  return added;
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
  if (!extra_ca_file.empty()) {
    if (const std::string why = add_from(trust->store_, extra_ca_file); !why.empty())
      return fail(ErrorKind::kOperator, "bad_ca_file", concat("ca_file ", extra_ca_file, ": ", why),
                  "give a file with the authority's certificate in PEM form, readable by mailmoord");
    trust->extra_authorities_ = read_text(extra_ca_file);
    if (trust->extra_authorities_.empty())
      return fail(ErrorKind::kOperator, "bad_ca_file",
                  concat("ca_file ", extra_ca_file, " is longer than ", kMaxExtraAuthorities / 1024, " KiB"),
                  "give a file with nothing but the authority's certificate");
  }
  const std::string bundle = find_bundle();
  const std::string without_bundle = add_authorities_blocking(trust->store_, bundle);
  if (!without_bundle.empty() && extra_ca_file.empty())
    return fail(ErrorKind::kOperator, "no_trusted_authorities",
                concat("cannot read the system's certificate authorities from ", bundle, ": ", without_bundle),
                "install the package ca-certificates");
  return trust;
}

Result<SharedTrust> Trust::with_authorities_blocking(std::string extra_authorities) {
  if (extra_authorities.empty()) return load_blocking("");
  assert_may_block();
  std::shared_ptr<Trust> trust(new Trust);
  if (add_certificates(trust->store_, extra_authorities) == 0)
    return fail(ErrorKind::kBug, "bad_ca_file", "the authorities that mailmoord handed over hold no certificate");
  // A machine may have no authorities of its own.
  static_cast<void>(add_authorities_blocking(trust->store_, find_bundle()));
  trust->extra_authorities_ = std::move(extra_authorities);
  return trust;
}

} // namespace mailmoor::net
