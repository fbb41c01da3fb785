// From an answer of the token endpoint to what the vault shall hold. The keeper does it with a live answer, the courier
// with one that it finds in its journal.
#pragma once

#include "net/http_client.h"
#include "oauth/reply.h"
#include "store/token_vault.h"
#include "util/secret.h"
#include "util/time_text.h"

#include <optional>

namespace mailmoor::mailbox {

[[nodiscard]] oauth::HttpReply to_reply(net::HttpAnswer answer);

// `asked_at`: when the request was sent; the token's life is counted from there.
[[nodiscard]] store::StoredToken stored_token(oauth::TokenGrant grant, UnixTime asked_at);
// Nothing but the refresh token is new.
[[nodiscard]] store::StoredToken with_refresh_token(const store::StoredToken& before, Secret refresh_token);

// The whole way. Empty: the answer brings no token, neither access nor refresh token. Any thread.
[[nodiscard]] std::optional<store::StoredToken> token_after(const store::StoredToken& before, net::HttpAnswer answer,
                                                            UnixTime asked_at);

} // namespace mailmoor::mailbox
