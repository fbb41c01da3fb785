#include "store/derived_key.h"
#include "store/test_files.h"

namespace mailmoor::store {
namespace {

[[nodiscard]] std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    for (const unsigned shift : {4U, 0U})
      out.push_back("0123456789abcdef"[(static_cast<unsigned char>(c) >> shift) & 15U]);
  return out;
}

// Made by: openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:0001…1f -kdfopt info:"mailmoor courier.journal"
// HKDF
TEST(DerivedKeyTest, Derive_IsHkdfSha256) {
  const auto key = derive_key(make_test_key(), "mailmoor courier.journal");
  ASSERT_TRUE(key);
  EXPECT_EQ("b3585375523b51537fe5410875d82a320ee6fe910b9df23d25633ea6d3887ab0", hex(key->reveal()));
}

TEST(DerivedKeyTest, OtherPurposeOrMaster_GivesAnotherKey) {
  const auto key = derive_key(make_test_key(), "a").value();
  EXPECT_FALSE(key == derive_key(make_test_key(), "b").value());
  EXPECT_FALSE(key == derive_key(make_test_key(1), "a").value());
  EXPECT_FALSE(key == make_test_key().bytes());
}

// RFC 4231 §4.3.
TEST(DerivedKeyTest, Digest_IsHmacSha256) {
  const auto digest = keyed_digest(Secret("Jefe"), Secret("what do ya want for nothing?"));
  ASSERT_TRUE(digest);
  EXPECT_EQ("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", hex(*digest));
}

} // namespace
} // namespace mailmoor::store
