#include "oauth/signing_key.h"

#include "util/concat.h"

#include <cstddef>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace mailmoor::oauth {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// OpenSSL asks for a password only when the key is encrypted. `user`: bool, whether it asked.
int refuse_password(char* /*buffer*/, int /*size*/, int /*for_writing*/, void* user) noexcept {
  *static_cast<bool*>(user) = true;
  return -1;
}

std::unexpected<Error> invalid(std::string what, std::string remedy) {
  return fail(ErrorKind::kOperator, "key_invalid", std::move(what), std::move(remedy));
}

bool use_padding(EVP_PKEY_CTX* context, SigningAlgorithm algorithm) {
  switch (algorithm) {
  case SigningAlgorithm::kRs256: return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
  case SigningAlgorithm::kPs256: break;
  }
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

} // namespace

std::string_view algorithm_name(SigningAlgorithm algorithm) noexcept {
  return algorithm == SigningAlgorithm::kRs256 ? "RS256" : "PS256";
}

void SigningKey::Free::operator()(evp_pkey_st* key) const noexcept {
  EVP_PKEY_free(key); // clears the private numbers
}

Result<SigningKey> SigningKey::parse(std::string_view pem) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool is_encrypted = false;
  SigningKey key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, &is_encrypted) : nullptr);
  ERR_clear_error();
  if (is_encrypted)
    return fail(ErrorKind::kOperator, "key_encrypted", "the private key is encrypted with a password",
                "write it without: openssl pkey -in ENCRYPTED.pem -out KEY.pem; chmod 600 it, or pass it as a "
                "credential, which systemd-creds encrypts");
  if (key.get() == nullptr)
    return invalid("there is no private key in it", "it has to be PEM: -----BEGIN PRIVATE KEY-----");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    return invalid("the private key is not an RSA key", "PS256 and RS256 need one: openssl req -newkey rsa:2048 …");
  if (const int bits = EVP_PKEY_get_bits(key.get()); bits < kLeastBits)
    return invalid(concat("the private key has ", bits, " bits"), concat("make one of ", kLeastBits, " or more"));
  return key;
}

Result<Secret> SigningKey::sign(SigningAlgorithm algorithm, std::string_view message) const {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  EVP_PKEY_CTX* of_key = nullptr; // owned by `context`
  std::size_t size = 0;
  std::string signature;
  bool signed_it = context && EVP_DigestSignInit(context.get(), &of_key, EVP_sha256(), nullptr, key_.get()) > 0 &&
                   use_padding(of_key, algorithm) &&
                   EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) > 0;
  if (signed_it) {
    signature.resize(size);
    signed_it = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                               message.size()) > 0;
  }
  ERR_clear_error();
  if (!signed_it) return fail(ErrorKind::kBug, "not_signed", "OpenSSL could not sign with the private key");
  Secret out(std::string_view(signature).substr(0, size));
  wipe_memory(signature.data(), signature.size());
  return out;
}

} // namespace mailmoor::oauth
