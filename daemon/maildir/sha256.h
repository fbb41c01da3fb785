// SHA-256 by OpenSSL.
#pragma once

#include "model/content_hash.h"

#include <memory>

struct evp_md_ctx_st;

namespace mailmoor::maildir {

class Sha256 final : public ContentHasher {
 public:
  Sha256();

  void add(std::string_view bytes) override;
  ContentHash take() override;

 private:
  struct Deleter {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Deleter> context_;
};

} // namespace mailmoor::maildir
