#include "maildir/sha256.h"

#include <openssl/evp.h>

#include <new>

namespace mailmoor::maildir {
namespace {

// What can fail here is memory alone.
void require(int done) {
  if (done != 1) throw std::bad_alloc();
}

} // namespace

void Sha256::Deleter::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::add(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

ContentHash Sha256::take() {
  ContentHash hash{};
  require(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr));
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  return hash;
}

} // namespace mailmoor::maildir
