#include "oauth/client_certificate.h"

#include "support/rsa_identity.h"
#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::mailmoor::testing::identity;
using ::mailmoor::testing::make_identity;
using ::mailmoor::testing::Openssl;
using ::mailmoor::testing::pem_of_key;
using ::mailmoor::testing::RsaIdentity;
using ::testing::HasSubstr;

std::string code_of(std::string_view certificate, std::string_view key) {
  const auto parsed = ClientCertificate::parse(certificate, key);
  if (parsed) return "good";
  EXPECT_EQ(parsed.error().kind, ErrorKind::kOperator);
  EXPECT_FALSE(parsed.error().remedy.empty());
  EXPECT_FALSE(parsed.error().what.contains("-----"));
  return parsed.error().code;
}

TEST(ClientCertificate, Pair_HasThumbprintsDatesAndSubject) {
  const auto parsed = ClientCertificate::parse(identity().certificate_pem, identity().key_pem);
  ASSERT_TRUE(parsed) << parsed.error().what;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(identity().certificate.get(), EVP_sha256(), digest, &size);
  EXPECT_EQ(parsed->sha256, std::string(reinterpret_cast<char*>(digest), 32));
  X509_digest(identity().certificate.get(), EVP_sha1(), digest, &size);
  EXPECT_EQ(parsed->sha1, std::string(reinterpret_cast<char*>(digest), 20));
  EXPECT_EQ(to_rfc3339(parsed->not_before), "2020-01-02T03:04:05Z");
  EXPECT_EQ(to_rfc3339(parsed->not_after), "2030-01-02T03:04:05Z");
  EXPECT_EQ(parsed->subject, "CN=mailmoor test");
}

TEST(ClientCertificate, OneFileWithBoth_ServesTwice) {
  for (const std::string& pem : {concat(identity().certificate_pem, identity().key_pem),
                                 concat("Bag Attributes\n", identity().key_pem, identity().certificate_pem)})
    EXPECT_EQ(code_of(pem, pem), "good");
}

TEST(ClientCertificate, Pkcs1Key_IsTaken) {
  const Openssl<BIO> bio(BIO_new(BIO_s_mem()));
  ASSERT_EQ(
      1, PEM_write_bio_PrivateKey_traditional(bio.get(), identity().key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  const std::string pem = ::mailmoor::testing::text_of(bio.get());
  ASSERT_THAT(pem, HasSubstr("BEGIN RSA PRIVATE KEY"));
  EXPECT_EQ(code_of(identity().certificate_pem, pem), "good");
}

TEST(ClientCertificate, EncryptedKey_IsRefusedWithTheWayOut) {
  const auto parsed =
      ClientCertificate::parse(identity().certificate_pem, pem_of_key(identity().key.get(), "a password"));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, "key_encrypted");
  EXPECT_THAT(parsed.error().what, HasSubstr("encrypted"));
  EXPECT_THAT(parsed.error().remedy, HasSubstr("openssl pkey"));
}

TEST(ClientCertificate, KeyOfAnother_IsRefused) {
  const RsaIdentity other = make_identity();
  EXPECT_EQ(code_of(identity().certificate_pem, other.key_pem), "certificate_mismatch");
  const auto parsed = ClientCertificate::parse(identity().certificate_pem, other.key_pem);
  EXPECT_THAT(parsed.error().what, HasSubstr("CN=mailmoor test"));
}

TEST(ClientCertificate, WhatIsNone_IsRefused) {
  const std::string& key = identity().key_pem;
  const std::string& certificate = identity().certificate_pem;
  EXPECT_EQ(code_of(certificate, ""), "key_invalid");
  EXPECT_EQ(code_of(certificate, "secret"), "key_invalid");
  EXPECT_EQ(code_of(certificate, certificate), "key_invalid");
  EXPECT_EQ(code_of("", key), "certificate_invalid");
  EXPECT_EQ(code_of(key, key), "certificate_invalid");
  EXPECT_EQ(code_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key), "certificate_invalid");
}

TEST(ClientCertificate, CutAnywhere_IsRefusedOrGood) {
  const std::string pem = concat(identity().certificate_pem, identity().key_pem);
  for (std::size_t size = 0; size < pem.size() - 1; size += 7)
    EXPECT_NE(code_of(pem.substr(0, size), pem.substr(0, size)), "good") << size;
}

TEST(SigningKey, OtherThanRsa_IsRefused) {
  const Openssl<EVP_PKEY> curve(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const auto parsed = SigningKey::parse(pem_of_key(curve.get()));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, "key_invalid");
  EXPECT_THAT(parsed.error().what, HasSubstr("RSA"));
}

TEST(SigningKey, TooShort_IsRefused) {
  const Openssl<EVP_PKEY> key(EVP_RSA_gen(1024));
  const auto parsed = SigningKey::parse(pem_of_key(key.get()));
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().what, HasSubstr("1024 bits"));
}

} // namespace
} // namespace mailmoor::oauth
