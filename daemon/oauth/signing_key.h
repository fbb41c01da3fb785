// An RSA private key that signs for a client or a service account. Parsed once; OpenSSL holds its numbers in memory
// that it clears when they go. Immutable: any thread.
#pragma once

#include "util/result.h"
#include "util/secret.h"

#include <memory>
#include <string_view>

struct evp_pkey_st;

namespace mailmoor::oauth {

// RFC 7518 §3.3, §3.5: both with SHA-256.
enum class SigningAlgorithm {
  kPs256, // RSASSA-PSS, MGF1 with SHA-256, salt as long as the hash
  kRs256, // RSASSA-PKCS1-v1_5
};

[[nodiscard]] std::string_view algorithm_name(SigningAlgorithm algorithm) noexcept; // "PS256"

class SigningKey final {
 public:
  // RFC 7518 §3.3: shorter ones must not be used.
  static constexpr int kLeastBits = 2048;

  // The first private key in a PEM text; other blocks in it are passed over. Errors are kOperator: "key_encrypted",
  // "key_invalid" (none in it, not RSA, too short).
  [[nodiscard]] static Result<SigningKey> parse(std::string_view pem);

  // The signature's bytes. Errors: kBug.
  [[nodiscard]] Result<Secret> sign(SigningAlgorithm algorithm, std::string_view message) const;

  // For comparing with a certificate's; never null.
  [[nodiscard]] evp_pkey_st* get() const noexcept { return key_.get(); }

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  explicit SigningKey(evp_pkey_st* key) : key_(key) {}

  std::unique_ptr<evp_pkey_st, Free> key_;
};

} // namespace mailmoor::oauth
