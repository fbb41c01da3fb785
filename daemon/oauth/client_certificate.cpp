#include "oauth/client_certificate.h"

#include "util/concat.h"
#include "util/printable.h"

#include <chrono>
#include <ctime>
#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <optional>
#include <utility>

namespace mailmoor::oauth {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

std::unexpected<Error> invalid(std::string what, std::string remedy) {
  return fail(ErrorKind::kOperator, "certificate_invalid", std::move(what), std::move(remedy));
}

std::string digest_of(const X509* certificate, const EVP_MD* algorithm) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, algorithm, bytes, &size) != 1) return {};
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return printable(std::string_view(bytes, static_cast<std::size_t>(size)).substr(0, 200));
}

// RFC 5280 §4.1.2.5: UTCTime or GeneralizedTime, both in UTC.
std::optional<UnixTime> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const std::chrono::year_month_day day(std::chrono::year(parts.tm_year + 1900),
                                        std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                        std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

} // namespace

Result<ClientCertificate> ClientCertificate::parse(std::string_view certificate_pem, std::string_view key_pem) {
  auto key = SigningKey::parse(key_pem);
  if (!key) return pass(std::move(key).error());
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const std::unique_ptr<X509, FreeCertificate> x509(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
                                                        : nullptr);
  ERR_clear_error();
  if (!x509) return invalid("there is no certificate in it", "it has to be PEM: -----BEGIN CERTIFICATE-----");
  const auto not_before = time_of(X509_get0_notBefore(x509.get()));
  const auto not_after = time_of(X509_get0_notAfter(x509.get()));
  if (!not_before || !not_after) return invalid("the certificate's dates cannot be read", "make a new one");
  std::string subject = subject_of(x509.get());
  const bool fits = X509_check_private_key(x509.get(), key->get()) == 1;
  ERR_clear_error();
  if (!fits)
    return fail(ErrorKind::kOperator, "certificate_mismatch",
                concat("the certificate (", subject, ") is for another private key than the one given"),
                "give the key that was made together with the certificate; where the file holds a chain, the app's own "
                "certificate comes first");
  return ClientCertificate{*std::move(key),
                           digest_of(x509.get(), EVP_sha256()),
                           digest_of(x509.get(), EVP_sha1()),
                           std::move(subject),
                           *not_before,
                           *not_after};
}

} // namespace mailmoor::oauth
