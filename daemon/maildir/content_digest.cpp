#include "maildir/content_digest.h"

#include <new>
#include <openssl/evp.h>
#include <utility>

namespace mailmoor::maildir {

void ContentDigest::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

// OpenSSL's digests fail for want of memory only.
ContentDigest::ContentDigest() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}

void ContentDigest::add(std::string_view octets) {
  if (EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) != 1) throw std::bad_alloc();
}

void ContentDigest::append(std::string_view octets) {
  while (!octets.empty()) {
    const std::size_t cr = octets.find('\r');
    const std::string_view plain = octets.substr(0, cr);
    if (!plain.empty()) {
      // CRs before anything but an LF are the message's own.
      if (plain.front() == '\n') held_crs_ = 0;
      for (; held_crs_ != 0; --held_crs_)
        add("\r");
      add(plain);
    }
    octets.remove_prefix(plain.size());
    if (octets.empty()) return;
    ++held_crs_;
    octets.remove_prefix(1);
  }
}

Digest ContentDigest::finish() {
  for (; held_crs_ != 0; --held_crs_)
    add("\r");
  Digest digest{};
  if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) throw std::bad_alloc();
  return digest;
}

Result<Digest> digest_file_blocking(FileOps& ops, const std::string& path) {
  ContentDigest digest;
  Status read = read_file_blocking(ops, path, [&digest](std::string_view octets) { digest.append(octets); });
  if (!read) return pass(std::move(read).error());
  return digest.finish();
}

} // namespace mailmoor::maildir
