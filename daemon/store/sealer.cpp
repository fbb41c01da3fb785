#include "store/sealer.h"

#include "util/concat.h"

#include <cstdint>
#include <memory>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace mailmoor::store {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kOverhead = 1 + kNonceSize + kTagSize;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

[[nodiscard]] const unsigned char* octets(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
[[nodiscard]] unsigned char* octets(std::string& bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

void append_field(std::string& out, std::string_view field) {
  const auto size = static_cast<std::uint32_t>(field.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out.push_back(static_cast<char>((size >> shift) & 0xFF));
  out.append(field);
}

[[nodiscard]] std::string name_of(const Cell& cell) {
  return concat(cell.table, '.', cell.column, " of ", cell.row);
}

[[nodiscard]] std::unexpected<Error> crypto_failed(const Cell& cell) {
  return fail(ErrorKind::kBug, "crypto_failed", concat("OpenSSL would not run AES-256-GCM for ", name_of(cell)));
}

[[nodiscard]] std::unexpected<Error> damaged(const Cell& cell) {
  return fail(ErrorKind::kOperator, "sealed_value_damaged",
              concat("the stored ", name_of(cell), " was changed, or sealed with another master key"),
              "sign in again, or set the password again");
}

} // namespace

std::string Sealer::additional_data(const Cell& cell) const {
  std::string out(1, kVersion);
  for (const std::string_view field : {std::string_view(purpose_), cell.table, cell.row, cell.column})
    append_field(out, field);
  return out;
}

Result<std::string> Sealer::seal(const Secret& plain, const Cell& cell) const {
  if (plain.size() > max_plain_)
    return fail(ErrorKind::kApp, "secret_too_large",
                concat(name_of(cell), " has ", plain.size(), " bytes; at most ", max_plain_, " are stored"));
  std::string sealed(kOverhead + plain.size(), kVersion);
  unsigned char* nonce = octets(sealed) + 1;
  unsigned char* text = nonce + kNonceSize;
  unsigned char* tag = text + plain.size();
  const std::string aad = additional_data(cell);
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool is_sealed =
      context && RAND_bytes(nonce, kNonceSize) == 1 &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(key_.bytes().reveal()), nonce) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, octets(aad), static_cast<int>(aad.size())) == 1 &&
      (plain.empty() ||
       EVP_EncryptUpdate(context.get(), text, &size, octets(plain.reveal()), static_cast<int>(plain.size())) == 1) &&
      EVP_EncryptFinal_ex(context.get(), tag, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag) == 1;
  if (!is_sealed) return crypto_failed(cell);
  return sealed;
}

Result<Secret> Sealer::open(std::string_view sealed, const Cell& cell) const {
  if (sealed.size() < kOverhead || sealed.size() > kOverhead + max_plain_ || sealed.front() != kVersion)
    return damaged(cell);
  const std::string_view nonce = sealed.substr(1, kNonceSize);
  const std::string_view text = sealed.substr(1 + kNonceSize, sealed.size() - kOverhead);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  const std::string aad = additional_data(cell);
  Secret plain = Secret::of_size(text.size());
  auto* const plain_octets = reinterpret_cast<unsigned char*>(plain.writable().data());
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool is_set_up =
      context &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(key_.bytes().reveal()), octets(nonce)) ==
          1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, octets(aad), static_cast<int>(aad.size())) == 1 &&
      (text.empty() ||
       EVP_DecryptUpdate(context.get(), plain_octets, &size, octets(text), static_cast<int>(text.size())) == 1) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1;
  if (!is_set_up) return crypto_failed(cell);
  unsigned char unused = 0; // GCM has no final block
  if (EVP_DecryptFinal_ex(context.get(), &unused, &size) != 1) return damaged(cell);
  return plain;
}

} // namespace mailmoor::store
