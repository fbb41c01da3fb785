// One answer of a token endpoint as the journal keeps it: sealed with the journal key and bound to its token id.
// Plain text (octets.h): version (1 byte, 1) ‖ digest of the refresh token that was sent ‖ when, seconds since 1970
// (8 bytes) ‖ status (2 bytes) ‖ Retry-After ‖ Content-Type ‖ Date ‖ body.
#pragma once

#include "net/http_client.h"
#include "store/sealer.h"
#include "util/result.h"
#include "util/secret.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmoor::courier {

struct KeptAnswer {
  std::string sent_digest;
  std::int64_t asked_at = 0;
  net::HttpAnswer answer;
};

// What an answer loses on its way through courier and journal: all headers but those that oauth/ reads.
[[nodiscard]] net::HttpAnswer without_other_headers(net::HttpAnswer answer);

// `journal_key`: 32 bytes. kBug "crypto_failed".
[[nodiscard]] Result<store::Sealer> make_sealer(const Secret& journal_key);
[[nodiscard]] Result<std::string> seal_answer(const store::Sealer& sealer, std::string_view token_id,
                                              const KeptAnswer& answer);
// kOperator "sealed_value_damaged".
[[nodiscard]] Result<KeptAnswer> open_answer(const store::Sealer& sealer, std::string_view token_id,
                                             std::string_view sealed);

} // namespace mailmoor::courier
