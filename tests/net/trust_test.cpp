#include "net/trust.h"

#include "net/certificates.h"
#include "net/temporary_directory.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

namespace mailmoor::net {
namespace {

class TrustTest : public testing::Test {
 protected:
  ~TrustTest() override { ::unsetenv("SSL_CERT_FILE"); }
  // Twice: what was found is kept.
  [[nodiscard]] static bool trusts(const Trust& trust, X509* certificate) {
    bool trusted = true;
    for (int time = 0; time < 2; ++time) {
      const std::unique_ptr<X509_STORE_CTX, OpensslCloser<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
      trusted = X509_STORE_CTX_init(context.get(), trust.store(), certificate, nullptr) == 1 &&
                X509_verify_cert(context.get()) == 1 && trusted;
    }
    return trusted;
  }
  [[nodiscard]] static bool knows(const Trust& trust, const Identity& authority) {
    return trusts(trust, issue({}, &authority).certificate.get());
  }
  TemporaryDirectory directory_;
};

TEST_F(TrustTest, the_systems_authorities) {
  const auto trust = Trust::load_blocking("");
  ASSERT_TRUE(trust) << trust.error().what;
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects((*trust)->store())), 0) << "none was needed yet";
  std::FILE* const bundle = std::fopen("/etc/ssl/certs/ca-certificates.crt", "r");
  ASSERT_NE(bundle, nullptr) << "the package ca-certificates has it there";
  int known = 0;
  while (X509* const certificate = PEM_read_X509(bundle, nullptr, nullptr, nullptr)) {
    known += trusts(**trust, Certificate(certificate).get()) ? 1 : 0;
  }
  std::fclose(bundle);
  EXPECT_GT(known, 50);
  EXPECT_GE(sk_X509_OBJECT_num(X509_STORE_get0_objects((*trust)->store())), known);
}

TEST_F(TrustTest, an_extra_file_adds_to_the_system) {
  const Identity system = make_authority("system");
  const Identity extra = make_authority("extra");
  const Identity stranger = make_authority("stranger");
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", pem_of(system)).c_str(), 1);
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", pem_of(extra)));
  ASSERT_TRUE(trust);
  EXPECT_TRUE(knows(**trust, system));
  EXPECT_TRUE(knows(**trust, extra));
  EXPECT_FALSE(knows(**trust, stranger));
}

TEST_F(TrustTest, several_certificates_in_one_file) {
  const Identity one = make_authority("one");
  const Identity two = make_authority("two");
  const Identity of_system = make_authority("three");
  const Identity another = make_authority("four");
  const std::string bundle = pem_of(of_system) + "a comment\n" + pem_of(another);
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", bundle).c_str(), 1);
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", pem_of(one) + "a comment\n" + pem_of(two)));
  ASSERT_TRUE(trust);
  for (const Identity* const authority : {&one, &two, &of_system, &another})
    EXPECT_TRUE(knows(**trust, *authority));
}

TEST_F(TrustTest, two_authorities_of_one_name) {
  const Identity old_key = make_authority();
  const Identity new_key = make_authority();
  const std::string bundle = pem_of(old_key) + pem_of(new_key);
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", bundle).c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_TRUE(trust);
  EXPECT_TRUE(knows(**trust, new_key));
  EXPECT_TRUE(knows(**trust, old_key));
  EXPECT_FALSE(knows(**trust, make_authority())) << "the name alone proves nothing";
}

TEST_F(TrustTest, an_extra_authority_with_the_name_of_one_of_the_systems) {
  const Identity system = make_authority();
  const Identity extra = make_authority();
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", pem_of(system)).c_str(), 1);
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", pem_of(extra)));
  ASSERT_TRUE(trust);
  EXPECT_TRUE(knows(**trust, extra));
  EXPECT_TRUE(knows(**trust, system));
}

TEST_F(TrustTest, a_broken_bundle_is_an_error) {
  const std::string bundle = pem_of(make_authority()) + "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", bundle).c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_FALSE(trust);
  EXPECT_EQ(trust.error().code, "no_trusted_authorities");
}

TEST_F(TrustTest, what_is_no_certificate_is_passed_over) {
  const Identity good = make_authority();
  const std::string bundle = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                             "-----BEGIN CERTIFICATE-----\nMIIBMAA=\n-----END CERTIFICATE-----\n"
                             "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n" +
                             pem_of(good);
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", bundle).c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_TRUE(trust);
  EXPECT_TRUE(knows(**trust, good));
}

TEST_F(TrustTest, another_process_trusts_the_same) {
  const Identity one = make_authority("one");
  const Identity two = make_authority("two");
  const Identity of_system = make_authority("three");
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", pem_of(of_system)).c_str(), 1);
  const auto here = Trust::load_blocking(directory_.write("ca.pem", pem_of(one) + "a comment\n" + pem_of(two)));
  ASSERT_TRUE(here);
  const auto there = Trust::with_authorities_blocking((*here)->extra_authorities());
  ASSERT_TRUE(there) << there.error().what;
  for (const Identity* const authority : {&one, &two, &of_system})
    EXPECT_TRUE(knows(**there, *authority));
  const auto system = Trust::with_authorities_blocking("");
  ASSERT_TRUE(system);
  EXPECT_TRUE(knows(**system, of_system));
  EXPECT_FALSE(knows(**system, one));
  EXPECT_FALSE(Trust::with_authorities_blocking("no certificate"));
}

TEST_F(TrustTest, an_extra_file_that_is_too_long) {
  const std::string padded = pem_of(make_authority()) + std::string(600UL * 1024, '\n');
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", padded));
  ASSERT_FALSE(trust);
  EXPECT_TRUE(trust.error().what.contains("longer than 512 KiB")) << trust.error().what;
}

TEST_F(TrustTest, the_environment_names_the_systems_bundle) {
  const Identity authority = make_authority();
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", pem_of(authority)).c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_TRUE(trust) << trust.error().what;
  EXPECT_TRUE(knows(**trust, authority));
}

TEST_F(TrustTest, a_bundle_that_is_removed_later_is_known_all_the_same) {
  const Identity authority = make_authority();
  const std::string bundle = directory_.write("bundle.pem", pem_of(authority));
  ::setenv("SSL_CERT_FILE", bundle.c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_TRUE(trust) << trust.error().what;
  ::unlink(bundle.c_str());
  EXPECT_TRUE(knows(**trust, authority));
}

TEST_F(TrustTest, a_bundle_without_certificates_is_an_error) {
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", "no certificate").c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_FALSE(trust);
  EXPECT_TRUE(trust.error().what.contains("no PEM certificate")) << trust.error().what;
}

TEST_F(TrustTest, no_system_bundle_is_an_error) {
  ::setenv("SSL_CERT_FILE", directory_.path("absent.pem").c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_FALSE(trust);
  EXPECT_EQ(trust.error().kind, ErrorKind::kOperator);
  EXPECT_EQ(trust.error().code, "no_trusted_authorities");
  EXPECT_TRUE(trust.error().what.contains("absent.pem: No such file")) << trust.error().what;
}

TEST_F(TrustTest, no_system_bundle_is_fine_with_an_extra_file) {
  ::setenv("SSL_CERT_FILE", directory_.path("absent.pem").c_str(), 1);
  const Identity authority = make_authority();
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", pem_of(authority)));
  ASSERT_TRUE(trust);
  EXPECT_TRUE(knows(**trust, authority));
}

TEST_F(TrustTest, an_extra_file_that_is_missing) {
  const auto trust = Trust::load_blocking(directory_.path("absent.pem"));
  ASSERT_FALSE(trust);
  EXPECT_EQ(trust.error().kind, ErrorKind::kOperator);
  EXPECT_EQ(trust.error().code, "bad_ca_file");
  EXPECT_TRUE(trust.error().what.contains("absent.pem: No such file")) << trust.error().what;
}

TEST_F(TrustTest, an_extra_file_without_certificates) {
  for (const char* content : {"", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    const auto trust = Trust::load_blocking(directory_.write("bad.pem", content));
    ASSERT_FALSE(trust) << content;
    EXPECT_EQ(trust.error().code, "bad_ca_file");
    EXPECT_TRUE(trust.error().what.contains("bad.pem")) << trust.error().what;
  }
}

} // namespace
} // namespace mailmoor::net
