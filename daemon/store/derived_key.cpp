#include "store/derived_key.h"

#include <array>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace mailmoor::store {
namespace {

constexpr std::size_t kDigestSize = 32;

// Fills `out`; false when OpenSSL would not.
[[nodiscard]] bool hmac(std::string_view key, std::string_view value, std::array<char, kDigestSize>& out) {
  unsigned size = 0;
  return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(value.data()), value.size(),
              reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr &&
         size == kDigestSize;
}

[[nodiscard]] std::unexpected<Error> crypto_failed() {
  return fail(ErrorKind::kBug, "crypto_failed", "OpenSSL would not run HMAC-SHA256");
}

} // namespace

Result<Secret> derive_key(const MasterKey& master, std::string_view purpose) {
  static_assert(MasterKey::kSize == kDigestSize); // so that one block of HKDF-Expand is the whole key
  const std::string no_salt(kDigestSize, '\0');
  std::array<char, kDigestSize> extracted{};
  std::array<char, kDigestSize> expanded{};
  const bool is_derived = hmac(no_salt, master.bytes().reveal(), extracted) &&
                          hmac({extracted.data(), extracted.size()}, std::string(purpose) + '\x01', expanded);
  Secret key(std::string_view(expanded.data(), expanded.size()));
  wipe_memory(extracted.data(), extracted.size());
  wipe_memory(expanded.data(), expanded.size());
  if (!is_derived) return crypto_failed();
  return key;
}

Result<std::string> keyed_digest(const Secret& key, const Secret& value) {
  std::array<char, kDigestSize> digest{};
  if (!hmac(key.reveal(), value.reveal(), digest)) return crypto_failed();
  return std::string(digest.data(), digest.size());
}

} // namespace mailmoor::store
