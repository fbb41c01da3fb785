// What becomes of answers that lie in the journal: each goes into the vault if it belongs to the refresh token that the
// vault holds. An answer to one that was replaced meanwhile, by a later answer, a sign-in or a logout, is dropped.
// Store thread; blocking.
#pragma once

#include "net/http_client.h"
#include "store/reply_journal.h"
#include "store/token_vault.h"
#include "util/result.h"
#include "util/secret.h"
#include "util/time_text.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mailmoor::courier {

// What the vault holds after `answer`, which was asked for at `asked_at`; empty: nothing new. Store thread.
using TokenAfter = std::function<std::optional<store::StoredToken>(const store::StoredToken& before,
                                                                   net::HttpAnswer answer, UnixTime asked_at)>;

struct Adoption {
  std::set<std::string> digests; // of the refresh tokens whose answers are in the vault now
  std::size_t dropped = 0;       // the vault holds another token by now
  std::size_t unreadable = 0;    // entries that do not open
};

// The entries in `bytes`, in their order; with `only` none but the one of that exchange. After an error all of it can
// be done again. Errors are those of the vault.
[[nodiscard]] Result<Adoption> adopt_blocking(std::string_view bytes, const Secret& journal_key,
                                              store::TokenVault& vault, const TokenAfter& token_after,
                                              std::optional<std::uint64_t> only = std::nullopt);

} // namespace mailmoor::courier
