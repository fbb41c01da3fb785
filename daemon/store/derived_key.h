// Keys for one purpose, made out of the master key (HKDF-SHA256, RFC 5869, without salt; the purpose is the info), and
// digests under such a key. Any thread.
#pragma once

#include "store/master_key.h"
#include "util/result.h"
#include "util/secret.h"

#include <string>
#include <string_view>

namespace mailmoor::store {

// MasterKey::kSize bytes. `purpose` is part of what is stored under the key: it never changes. kBug "crypto_failed".
[[nodiscard]] Result<Secret> derive_key(const MasterKey& master, std::string_view purpose);

// HMAC-SHA256: 32 bytes that tell whether two secrets are the same, and nothing else about them to whoever lacks the
// key. kBug "crypto_failed".
[[nodiscard]] Result<std::string> keyed_digest(const Secret& key, const Secret& value);

} // namespace mailmoor::store
