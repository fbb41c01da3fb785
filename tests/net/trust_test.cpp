#include "net/trust.h"

#include "net/certificates.h"
#include "net/temporary_directory.h"

#include <cstdlib>
#include <openssl/x509_vfy.h>

namespace mailmoor::net {
namespace {

class TrustTest : public testing::Test {
 protected:
  ~TrustTest() override { ::unsetenv("SSL_CERT_FILE"); }
  [[nodiscard]] static int certificates_in(const Trust& trust) {
    return sk_X509_OBJECT_num(X509_STORE_get0_objects(trust.store()));
  }
  TemporaryDirectory directory_;
};

TEST_F(TrustTest, the_systems_authorities) {
  const auto trust = Trust::load_blocking("");
  ASSERT_TRUE(trust) << trust.error().what;
  EXPECT_GT(certificates_in(**trust), 50);
}

TEST_F(TrustTest, an_extra_file_adds_to_the_system) {
  const auto system = Trust::load_blocking("");
  const auto both = Trust::load_blocking(directory_.write("ca.pem", pem_of(make_authority())));
  ASSERT_TRUE(system && both);
  EXPECT_EQ(certificates_in(**both), certificates_in(**system) + 1);
}

TEST_F(TrustTest, several_certificates_in_one_file) {
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", pem_of(make_authority())).c_str(), 1);
  const std::string two = pem_of(make_authority("one")) + "a comment\n" + pem_of(make_authority("two"));
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", two));
  ASSERT_TRUE(trust);
  EXPECT_EQ(certificates_in(**trust), 3);
}

TEST_F(TrustTest, another_process_trusts_the_same) {
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", pem_of(make_authority())).c_str(), 1);
  const std::string two = pem_of(make_authority("one")) + "a comment\n" + pem_of(make_authority("two"));
  const auto here = Trust::load_blocking(directory_.write("ca.pem", two));
  ASSERT_TRUE(here);
  const auto there = Trust::with_authorities_blocking((*here)->extra_authorities());
  ASSERT_TRUE(there) << there.error().what;
  EXPECT_EQ(certificates_in(**there), 3);
  const auto system = Trust::with_authorities_blocking("");
  ASSERT_TRUE(system);
  EXPECT_EQ(certificates_in(**system), 1);
  EXPECT_FALSE(Trust::with_authorities_blocking("no certificate"));
}

TEST_F(TrustTest, an_extra_file_that_is_too_long) {
  const std::string padded = pem_of(make_authority()) + std::string(600UL * 1024, '\n');
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", padded));
  ASSERT_FALSE(trust);
  EXPECT_TRUE(trust.error().what.contains("longer than 512 KiB")) << trust.error().what;
}

TEST_F(TrustTest, the_environment_names_the_systems_bundle) {
  ::setenv("SSL_CERT_FILE", directory_.write("bundle.pem", pem_of(make_authority())).c_str(), 1);
  const auto trust = Trust::load_blocking("");
  ASSERT_TRUE(trust) << trust.error().what;
  EXPECT_EQ(certificates_in(**trust), 1);
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
  const auto trust = Trust::load_blocking(directory_.write("ca.pem", pem_of(make_authority())));
  ASSERT_TRUE(trust);
  EXPECT_EQ(certificates_in(**trust), 1);
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
