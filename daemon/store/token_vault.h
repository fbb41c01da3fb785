// tokens.db: OAuth2 tokens and passwords, each value sealed with the master key and bound to its row and column.
// A save is on stable storage when it returns (P5). Owned by the store thread; blocking; one process at a time.
#pragma once

#include "store/database.h"
#include "store/master_key.h"
#include "store/reseal.h"
#include "store/sealer.h"
#include "util/result.h"
#include "util/secret.h"
#include "util/time_text.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::store {

struct StoredToken {
  Secret refresh_token; // empty when the grant gives none (client credentials)
  // The one before refresh_token, kept until refresh_token has been used once: the vault sets it, save ignores it.
  Secret previous_refresh_token;
  Secret access_token;
  UnixTime obtained_at{};
  UnixTime expires_at{};
  std::optional<UnixTime> refresh_at; // the server's refresh_in, if it said one
  std::string scope;
};

class TokenVault final {
 public:
  // Opens or makes the database at `path` with mode 0600. The directory must exist.
  // kOperator errors that leave every file as it was, byte for byte: wrong_master_key, database_too_new,
  // database_corrupt. A corrupt vault is never replaced: that is the operator's decision.
  [[nodiscard]] static Result<TokenVault> open_blocking(const std::string& path, MasterKey key);

  // `token_id` is "app/login_user". Empty: there is none. kOperator "sealed_value_damaged" concerns this row only.
  [[nodiscard]] Result<std::optional<StoredToken>> load_token_blocking(std::string_view token_id);
  // An empty refresh_token keeps the stored one: only erase_token_blocking() forgets. A different one moves the
  // stored one to previous_refresh_token; the same one clears that, as it has just been used with success.
  // After an error the stored token is the one before the call.
  [[nodiscard]] Status save_token_blocking(std::string_view token_id, const StoredToken& token);
  // Erasing what is not there succeeds. No trace is left in the file.
  [[nodiscard]] Status erase_token_blocking(std::string_view token_id);
  // Sorted.
  [[nodiscard]] Result<std::vector<std::string>> list_tokens_blocking();

  [[nodiscard]] Result<std::optional<Secret>> load_password_blocking(std::string_view mailbox);
  [[nodiscard]] Status save_password_blocking(std::string_view mailbox, const Secret& password);
  [[nodiscard]] Status erase_password_blocking(std::string_view mailbox);
  [[nodiscard]] Result<std::vector<std::string>> list_passwords_blocking();

  // Seals everything with `key` from now on, in one transaction; after an error everything is sealed as before. The
  // key itself must be on stable storage already: see key_rotation.h.
  [[nodiscard]] Result<Resealed> rotate_key_blocking(MasterKey key);
  [[nodiscard]] const MasterKey& key() const noexcept { return sealer_.key(); }

 private:
  TokenVault(Database database, Sealer sealer) : database_(std::move(database)), sealer_(std::move(sealer)) {}

  Database database_;
  Sealer sealer_;
};

} // namespace mailmoor::store
