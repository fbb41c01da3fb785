// Throw-away certificate authorities and server certificates, made with OpenSSL calls.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace mailmoor::net {

template<auto kFree>
struct OpensslCloser {
  template<class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, OpensslCloser<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, OpensslCloser<X509_free>>;
using ServerContext = std::unique_ptr<SSL_CTX, OpensslCloser<SSL_CTX_free>>;

struct Identity {
  Key key;
  Certificate certificate;
};

struct CertificateWish {
  std::string names = "DNS:mail.test"; // subjectAltName as the openssl program takes it; empty: none
  std::string common_name = "throw-away";
  std::chrono::hours from{-24};
  std::chrono::hours until{24};
  bool authority = false;
};

inline void extend(X509* certificate, X509* issuer, int id, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself when there is none.
[[nodiscard]] inline Identity issue(const CertificateWish& wish, const Identity* issuer = nullptr) {
  static long serial = 1;
  Identity out{Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), Certificate(X509_new())};
  X509* const x509 = out.certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), std::chrono::seconds(wish.from).count());
  X509_gmtime_adj(X509_getm_notAfter(x509), std::chrono::seconds(wish.until).count());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
  const Identity& signer = issuer != nullptr ? *issuer : out;
  X509_set_issuer_name(x509, X509_get_subject_name(signer.certificate.get()));
  X509_set_pubkey(x509, out.key.get());
  if (wish.authority) {
    extend(x509, signer.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    extend(x509, signer.certificate.get(), NID_subject_key_identifier, "hash");
  }
  if (issuer != nullptr) extend(x509, issuer->certificate.get(), NID_authority_key_identifier, "keyid");
  if (!wish.names.empty()) extend(x509, signer.certificate.get(), NID_subject_alt_name, wish.names.c_str());
  EXPECT_GT(X509_sign(x509, signer.key.get(), EVP_sha256()), 0);
  return out;
}

[[nodiscard]] inline Identity make_authority(std::string name = "throw-away authority") {
  CertificateWish wish;
  wish.common_name = std::move(name);
  wish.names.clear();
  wish.authority = true;
  return issue(wish);
}

[[nodiscard]] inline std::string pem_of(const Identity& identity) {
  const std::unique_ptr<BIO, OpensslCloser<BIO_free_all>> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), identity.certificate.get());
  char* bytes = nullptr;
  const long size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

[[nodiscard]] inline ServerContext server_context(const Identity& identity) {
  ServerContext context(SSL_CTX_new(TLS_server_method()));
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), identity.certificate.get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), identity.key.get()), 1);
  return context;
}

} // namespace mailmoor::net
