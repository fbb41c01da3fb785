// A new master key in the place of the old one. At whatever moment the process is killed, a key that opens the vault is
// where the next start looks for it.
//
// The key is a file F (or F was made by us):              a start after a kill here
//   1 F.new is written and durable                        F opens: F.new is removed
//   2 every value is sealed anew, in one transaction      F.new opens: step 3 is made up for
//   3 F.new is renamed to F, durable                      F opens
// The key is a credential C, which only the operator can change: they hand in its successor as C.new beside it (or give
// its content to rotate), and put it in the place of C afterwards. A start takes the one of the two that opens.
//
// Whoever rotates holds the state directory's lock, and sees to it that no answer is in the courier's journal, whose
// key follows from the master key. Blocking.
#pragma once

#include "model/key_rotation.h"
#include "store/master_key.h"
#include "store/token_vault.h"
#include "util/result.h"
#include "util/secret.h"

#include <string>
#include <vector>

namespace mailmoor::store {

struct OpenedVault {
  TokenVault vault;
  // Of a rotation that was not finished: what was found and done, or what the operator has to do. For the log.
  std::vector<std::string> notes{};
};

// Opens state_dir/tokens.db with `key`, or with the successor that a rotation has left, and finishes or undoes that
// rotation. Errors are those of TokenVault::open_blocking().
[[nodiscard]] Result<OpenedVault> open_vault_blocking(const KeyOptions& options, MasterKey key);

// Seals the vault with a new key: `provided`, in one of the forms of master_key.h, or when that is empty one that is
// made (file) or was handed in as C.new (credential). kOperator: "no_new_key", "same_master_key", "key_not_renamed"
// (all is sealed with the new key, which is still called F.new), and those of files, keys and databases, after which
// the old key goes on to hold.
[[nodiscard]] Result<KeyRotation> rotate_key_blocking(TokenVault& vault, const KeyOptions& options,
                                                      const Secret& provided);

// For a program that is not the daemon: takes the lock of the state directory, opens, rotates. kOperator
// "state_dir_in_use" while a daemon runs, "courier_running" shortly after, "journal_not_empty" while answers wait for
// the next daemon, "no_token_database".
[[nodiscard]] Result<KeyRotation> rotate_key_offline_blocking(const KeyOptions& options, const Secret& provided);

} // namespace mailmoor::store
