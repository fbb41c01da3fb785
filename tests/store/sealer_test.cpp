#include "store/sealer.h"

#include "store/test_files.h"

#include <set>
#include <string>
#include <vector>

namespace mailmoor::store {
namespace {

constexpr Cell kCell{"token", "contoso/alice@contoso.com", "refresh_token"};

[[nodiscard]] Sealer make_sealer(unsigned char first_key_byte = 0, std::string purpose = "mailmoor tokens.db") {
  return Sealer(make_test_key(first_key_byte), std::move(purpose));
}

[[nodiscard]] std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

TEST(Sealer, Format_IsPinned) {
  // Made by Node's crypto: key 00 01 … 1f, nonce a0 … ab, the additional data as sealer.h has it.
  const std::string sealed = from_hex("01a0a1a2a3a4a5a6a7a8a9aaabd6363d7f20ad70da110dd3bc6c1faeb65f8a7df4b1b66a5bfe5d8e"
                                      "6958ff6b");
  const auto opened = make_sealer().open(sealed, kCell);
  ASSERT_TRUE(opened) << opened.error().what;
  EXPECT_EQ(opened->reveal(), "0.ARefreshToken");
}

TEST(Sealer, AnyBytes_ComeBack) {
  const Sealer sealer = make_sealer();
  for (const std::string& plain :
       {std::string(), std::string("a"), std::string("\0\xFF\n", 3), std::string(65536, 'x')}) {
    const auto sealed = sealer.seal(Secret(plain), kCell);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->size(), 29 + plain.size());
    const auto opened = sealer.open(*sealed, kCell);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->reveal(), plain);
  }
  EXPECT_EQ(sealer.seal(Secret(std::string(65537, 'x')), kCell).error().code, "secret_too_large");
}

TEST(Sealer, SameTextTwice_NeverLooksTheSame) {
  const Sealer sealer = make_sealer();
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i)
    nonces.insert(sealer.seal(Secret("text"), kCell)->substr(1, 12));
  EXPECT_EQ(nonces.size(), 1000U);
}

TEST(Sealer, AnyFlippedBit_IsRefused) {
  const Sealer sealer = make_sealer();
  const std::string sealed = sealer.seal(Secret("a token"), kCell).value();
  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string changed = sealed;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    const auto opened = sealer.open(changed, kCell);
    ASSERT_FALSE(opened) << "bit " << i;
    EXPECT_EQ(opened.error().code, "sealed_value_damaged");
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(sealer.open(std::string_view(sealed).substr(0, size), kCell)) << size;
  EXPECT_FALSE(sealer.open(sealed + "x", kCell));
}

TEST(Sealer, MovedToAnotherCell_IsRefused) {
  const Sealer sealer = make_sealer();
  const std::string sealed = sealer.seal(Secret("a token"), kCell).value();
  for (const Cell& other : {Cell{"password", kCell.row, kCell.column}, Cell{kCell.table, "contoso/bob", kCell.column},
                            Cell{kCell.table, kCell.row, "access_token"},
                            // The same bytes, cut at another place.
                            Cell{"tokenc", "ontoso/alice@contoso.com", kCell.column},
                            Cell{kCell.table, "contoso/alice@contoso.comr", "efresh_token"}})
    EXPECT_FALSE(sealer.open(sealed, other)) << other.table << ' ' << other.row << ' ' << other.column;
  EXPECT_FALSE(make_sealer(0, "another database").open(sealed, kCell));
  EXPECT_FALSE(make_sealer(1).open(sealed, kCell)) << "another key";
}

} // namespace
} // namespace mailmoor::store
