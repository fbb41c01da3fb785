// Throw-away RSA keys and certificates, and OpenSSL's own word on what was signed with them.
#pragma once

#include "util/base64.h"

#include <gtest/gtest.h>
#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string>
#include <string_view>

namespace mailmoor::testing {

struct OpensslFree {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
template<class T>
using Openssl = std::unique_ptr<T, OpensslFree>;

[[nodiscard]] inline std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

struct RsaIdentity {
  Openssl<EVP_PKEY> key;
  Openssl<X509> certificate;
  std::string key_pem;
  std::string certificate_pem;
};

// PKCS#8; with `password`, encrypted.
[[nodiscard]] inline std::string pem_of_key(EVP_PKEY* key, const char* password = nullptr) {
  const Openssl<BIO> bio(BIO_new(BIO_s_mem()));
  EXPECT_EQ(1, PEM_write_bio_PKCS8PrivateKey(bio.get(), key, password != nullptr ? EVP_aes_256_cbc() : nullptr, nullptr,
                                             0, nullptr, const_cast<char*>(password)));
  return text_of(bio.get());
}

// `until`: generalized time, "20270101000000Z".
[[nodiscard]] inline RsaIdentity make_identity(const char* until = "20300102030405Z", unsigned bits = 2048) {
  RsaIdentity out{Openssl<EVP_PKEY>(EVP_RSA_gen(bits)), Openssl<X509>(X509_new()), {}, {}};
  X509* const x509 = out.certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), "20200102030405Z");
  ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("mailmoor test"), -1, -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(x509));
  X509_set_pubkey(x509, out.key.get());
  EXPECT_GT(X509_sign(x509, out.key.get(), EVP_sha256()), 0);
  const Openssl<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), x509);
  out.certificate_pem = text_of(bio.get());
  out.key_pem = pem_of_key(out.key.get());
  return out;
}

// Making keys takes its time: one for all tests of a program.
[[nodiscard]] inline const RsaIdentity& identity() {
  static const RsaIdentity made = make_identity();
  return made;
}

// The header (0), the claims (1) or the signature (2) of a JWT.
[[nodiscard]] inline std::string jwt_part(std::string_view jwt, int part) {
  for (; part > 0; --part)
    jwt.remove_prefix(jwt.find('.') + 1);
  return base64_decode(jwt.substr(0, jwt.find('.'))).value_or("no base64url");
}

[[nodiscard]] inline bool jwt_is_signed_by(std::string_view jwt, EVP_PKEY* key, bool pss) {
  const std::string_view input = jwt.substr(0, jwt.rfind('.'));
  const std::string signature = jwt_part(jwt, 2);
  const Openssl<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* of_key = nullptr;
  if (EVP_DigestVerifyInit(context.get(), &of_key, EVP_sha256(), nullptr, key) != 1) return false;
  // RFC 7518 §3.5: the salt is as long as the hash; OpenSSL refuses another one when told so.
  if (pss && (EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) != 1 ||
              EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, 32) != 1))
    return false;
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1;
}

} // namespace mailmoor::testing
